"""Build rows for tests: sensible defaults, everything overridable, nothing random."""

import hashlib
from itertools import count
from typing import Any

from django.utils import timezone

from recommender.models import Account, Catalog, EndUser, Interaction, Item, RestReason, Role, Round, RoundState, Turn
from recommender.rounds.core.types import Encounter, Subject
from reviews.models import Review
from reviews.room.opening import open_review

_numbers = count(1)
PASSWORD = "correct horse battery"


def make_account(username: str = "", *, role: Role = Role.ANNOTATOR) -> Account:
    return Account.objects.create_user(username or f"{role}{next(_numbers)}", password=PASSWORD, role=role)


def make_catalog(name: str = "", **fields: Any) -> Catalog:
    defaults = {"item_noun": "movie", "prompt_attributes": ["genres"]}
    return Catalog.objects.create(name=name or f"catalog-{next(_numbers)}", **defaults | fields)


def make_end_user(catalog: Catalog, external_id: str = "", **fields: Any) -> EndUser:
    return EndUser.objects.create(catalog=catalog, external_id=external_id or f"u{next(_numbers)}", **fields)


def make_item(catalog: Catalog, title: str = "", *, external_id: str = "", **attributes: Any) -> Item:
    number = next(_numbers)
    return Item.objects.create(
        catalog=catalog,
        external_id=external_id or f"i{number}",
        title=title or f"Film {number}",
        attributes=attributes or {"genres": ["Drama"]},
    )


def make_interaction(end_user: EndUser, item: Item, *, rating: float | None = 5.0, moment: int = 0) -> Interaction:
    return Interaction.objects.create(end_user=end_user, item=item, rating=rating, moment=moment or next(_numbers))


def make_subject(*ratings: float, kind: Any = "end_user") -> Subject:
    history = tuple(
        Encounter(title=f"Film {n} (1990)", rating=rating, liked=rating > 3, attributes={"genres": ["Drama"]})
        for n, rating in enumerate(ratings or (5.0, 2.0))
    )
    return Subject(kind=kind, item_noun="movie", rating_max=5.0, like_threshold=3.0, history=history)


def make_round(subject: EndUser | Item, *turns: tuple[str, str], as_of: int = 1000, **fields: Any) -> Round:
    """Turns are (kind, text): ("reason", "…"), ("reflect", "critique, or empty when reasonable"), …"""
    evidence = make_subject(kind="item" if isinstance(subject, Item) else "end_user").to_json()
    state = RoundState.RESTING if turns else RoundState.WAITING
    defaults = {"state": state, "refinements_allowed": 2, "evidence": evidence}
    round_ = Round.objects.create(
        catalog=subject.catalog,
        end_user=subject if isinstance(subject, EndUser) else None,
        item=subject if isinstance(subject, Item) else None,
        as_of=as_of,
        next_attempt_at=timezone.now(),
        **defaults | fields,
    )
    rationale: Turn | None = None
    for index, (kind, text) in enumerate(turns):
        judges = kind in ("reflect", "override")
        turn = Turn.objects.create(
            round=round_,
            index=index,
            kind=kind,
            text=text,
            text_hash=hashlib.sha256(text.encode()).hexdigest(),
            verdict=("not_reasonable" if text else "reasonable") if judges else "",
            about=None if kind == "reason" else rationale,
        )
        rationale = rationale if judges else turn
    return round_


def make_drafts(subject: EndUser | Item, *drafts: tuple[str, str], **fields: Any) -> Round:
    """A filtered round at rest. Drafts are (text, critique), the critique empty where it is judged reasonable."""
    fields = {"strategy": "filter", "drafts_wanted": len(drafts)} | fields
    round_ = make_round(subject, *(("reason", text) for text, _ in drafts), **fields)
    for about, (_, critique) in zip(round_.turns.order_by("index"), drafts, strict=True):
        Turn.objects.create(
            round=round_,
            index=len(drafts) + about.index,
            kind="reflect",
            text=critique,
            text_hash=hashlib.sha256(critique.encode()).hexdigest(),
            verdict="not_reasonable" if critique else "reasonable",
            about=about,
        )
    Round.objects.filter(pk=round_.pk).update(
        rest_reason=RestReason.ALL_REJECTED if all(critique for _, critique in drafts) else RestReason.KEPT
    )
    return round_


def make_review(*turns: tuple[str, str], subject: EndUser | Item | None = None, **fields: Any) -> Review:
    """An open review of a resting round: by default a draft that was criticised, refined, and judged reasonable."""
    usual = (
        ("reason", "Likes films."),
        ("reflect", "Too vague."),
        ("refine", "Likes war films."),
        ("reflect", ""),
    )
    defaults = {"rest_reason": RestReason.REASONABLE}
    return open_review(make_round(subject or make_end_user(make_catalog()), *(turns or usual), **defaults | fields))
