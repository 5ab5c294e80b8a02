"""A scripted annotator who knows the planted truth and decides as people do, through the product's own services.

- approve: nothing that the text vouches for is false.
- override, once for each review: more of its statements are false than true. The critique names up to two false ones
  and up to two truths that the text leaves out; the actor follows it, and the review comes back.
- edit: otherwise. Sentences with a false statement go, and up to two truths that the text leaves out come in.
- reject: nothing true is left of it, and the actor had its second chance.
"""

from collections import Counter
from typing import Any

from django.utils import timezone

from benchmarks.planted import MISSING, About, Judged, Planted, judged, side
from recommender.models import Account
from recommender.rounds.queries import proposal
from reviews.models import Review, Verdict
from reviews.room.decisions import Seen, decide
from reviews.room.leases import take_next


class Annotator:
    def __init__(self, planted: Planted, account: Account) -> None:
        self.planted, self.account = planted, account
        self.made: Counter[str] = Counter()

    def work(self) -> int:
        """Decide everything that is free; returns how many decisions that took."""
        count = 0
        slot = take_next(self.account, now=timezone.now())
        while slot is not None:
            slot = self._decide(slot.review, slot.lease_token)
            count += 1
        return count

    def _decide(self, review: Review, lease_token: str) -> Any:
        round_ = review.round
        shown = proposal(round_)
        assert shown is not None, "a review opens for a proposal"
        about = about_of(round_)
        found = judged(self.planted, about, shown.text, round_.evidence)
        verdict, text = self._verdict(found, about, again=round_.turns.filter(kind="override").exists())
        self.made[verdict] += 1
        done = decide(
            review,
            account=self.account,
            verdict=verdict,
            seen=Seen(review.version, round_.turns.count(), shown.text_hash),
            lease_token=lease_token,
            text=text,
            now=timezone.now(),
        )
        return done.next

    def _verdict(self, found: Judged, about: About, *, again: bool) -> tuple[Verdict, str]:
        if not found.wrong:
            return Verdict.APPROVE, ""
        missing = self._missing(found, about)
        if len(found.false) > len(found.true) and not again:
            wrong = [
                f"Wrong: it is not true that {side(one.aspect, one.feature, one.stance or 0)}"
                for one in found.false
                if one.stance
            ]
            return Verdict.OVERRIDE, " ".join([*wrong[:MISSING], *(f"Missing: {one}" for one in missing)])
        kept = [sentence for sentence in found.sentences if sentence not in found.wrong]
        if not any(said in found.true for sentence in kept for said in sentence.statements):
            return Verdict.REJECT, ""
        return Verdict.EDIT, " ".join([*(sentence.text for sentence in kept), *missing])

    def _missing(self, found: Judged, about: About) -> list[str]:
        said = {(one.feature, one.stance) for one in found.true}
        aspect = "person" if about.user_id else "liker"
        lacking = [pair for pair in self.planted.strongest(about) if pair not in said]
        return [side(aspect, feature, stance) for feature, stance in lacking[:MISSING]]


def about_of(round_: Any) -> About:
    name = round_.subject.external_id
    return About(item_id=name) if round_.item_id else About(user_id=name)
