"""Texts about a catalog's subjects: those in force, or those that would be, were everything proposed approved."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch

from recommender.models import Catalog, Knowledge, RestReason, Round, RoundState, Turn
from recommender.rounds.core import loop
from recommender.rounds.queries import strategy_of, turn_values

CHUNK = 500  # rounds or texts read together


@dataclass(frozen=True, slots=True)
class Known:
    """One text, or the kept drafts of a filtered round, as knowledge of one moment. `hashes`: SHA-256 of each text."""

    end_user_id: int | None
    item_id: int | None
    as_of: int
    texts: tuple[str, ...]
    hashes: tuple[str, ...]
    evidence: Mapping[str, Any]  # rounds.core.types.Subject as JSON: what the prompts showed
    in_force: bool

    @property
    def place(self) -> tuple[int, int, int]:
        """Subject and moment: of two texts with the same, one can be in force."""
        return self.end_user_id or 0, self.item_id or 0, self.as_of


def in_force(catalog: Catalog) -> Iterator[Known]:
    """What people approved and nobody took back."""
    rows = Knowledge.objects.filter(catalog=catalog, in_force=True).select_related("turn__round").order_by("pk")
    for row in rows.iterator(chunk_size=CHUNK):
        yield Known(
            row.end_user_id,
            row.item_id,
            row.as_of,
            (row.text, *(each["text"] for each in row.further_texts)),
            tuple(row.text_hashes),
            row.turn.round.evidence,
            in_force=True,
        )


def as_proposed(catalog: Catalog, *, refinements: int | None = None) -> list[Known]:
    """What would be in force were every open proposal of a resting round approved.

    What people approved stays unless a proposal of the same subject and moment replaces it; what they rejected, or
    replaced by another round's text, stays out. With `refinements`: what the models alone would have proposed, had the
    actor been allowed at most so many; then nothing that people did counts. Of two rounds about one subject as of one
    moment (one of each strategy) the later one counts.
    """
    found = {} if refinements is not None else {one.place: one for one in in_force(catalog)}
    replaced = set(Knowledge.objects.filter(catalog=catalog, in_force=False).values_list("turn_id", flat=True))
    resting = Round.objects.for_knowledge().filter(catalog=catalog, state=RoundState.RESTING)
    rounds = resting.exclude(rest_reason=RestReason.ERASED).order_by("pk")
    with_turns = rounds.prefetch_related(Prefetch("turns", Turn.objects.order_by("index").defer("call")))
    for round_ in with_turns.iterator(chunk_size=CHUNK):
        turns = {turn.index: turn for turn in round_.turns.all()}
        values = turn_values(list(turns.values()))
        if refinements is not None:
            values = loop.by_models(values, refinements=refinements)
        kept = [turns[index] for index in strategy_of(round_).proposed(values)]
        if not kept:
            continue
        decided = kept[0].index == round_.rejected_index or kept[0].pk in replaced
        if refinements is None and decided:
            continue
        one = Known(
            round_.end_user_id,
            round_.item_id,
            round_.as_of,
            tuple(turn.text for turn in kept),
            tuple(turn.text_hash for turn in kept),
            round_.evidence,
            in_force=False,
        )
        before = found.get(one.place)
        if before is None or before.hashes != one.hashes:
            found[one.place] = one
    return list(found.values())
