"""What people's decisions teach: rows for the actor and the reflector, in the order of reviews.

| decision | rows |
| --- | --- |
| approve | the text as an answer (reason), judged reasonable (reflect), liked (kto) |
| … of a refinement | also the critique it followed (reflect), the refinement (refine), preferred to what it replaced |
| edit | the person's text as an answer (reason), preferred to what it replaced; with a stated reason, the reason as a
  critique (reflect) and the edit as what follows it (refine) |
| override | the person's critique (reflect) |
| reject | not liked (kto); with a stated reason, the reason as a critique (reflect) |

Of a round whose drafts were filtered:

| decision | rows |
| --- | --- |
| approve | every kept draft as above; of every draft that was left out, the critique (reflect), and the first kept one
  preferred to it; of every edit that was kept, that it is preferred to what it replaced |
| override | what the draft was judged to be: reasonable, or the person's critique (reflect) and not liked (kto) |
| reject | all kept drafts as above |

A decision that was taken again in the same slot counts no more; an override stays, since the round went on from it. Of
several overrides about one draft the last one counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from recommender.models import Catalog, Judgement, Strategy, Turn, TurnKind
from recommender.rounds.core import drafts as filtering
from recommender.rounds.core.parsing import MIN_CRITIQUE
from recommender.rounds.core.types import Subject, TurnValue
from recommender.rounds.queries import turn_values
from recommender.tuning import rows
from recommender.tuning.rows import Provenance, Row
from reviews.models import Decision, Review, Verdict

REVIEWS_AT_ONCE = 200


def of_catalog(catalog: Catalog, *, guideline: str = "") -> Iterator[Row]:
    """All rows from a catalog's decisions, streamed. The same decisions always give the same rows in the same order.

    `guideline`: the version of the annotators' guidelines that the rows are to name.
    """
    last = 0
    while chunk := list(_decided(catalog).filter(pk__gt=last)[:REVIEWS_AT_ONCE]):
        for review in chunk:
            yield from of_review(review, catalog, guideline=guideline)
        last = chunk[-1].pk


def _decided(catalog: Catalog) -> QuerySet[Review]:
    decisions = Decision.objects.select_related("account").order_by("pk")
    turns = Turn.objects.select_related("call").order_by("index")
    return (
        Review.objects.filter(Exists(Decision.objects.filter(review=OuterRef("pk"))), round__catalog=catalog)
        .select_related("round")
        .prefetch_related(Prefetch("decisions", decisions), Prefetch("round__turns", turns))
        .order_by("pk")
    )


def of_review(review: Review, catalog: Catalog, *, guideline: str = "") -> Iterator[Row]:
    """One review's rows. A row that several decisions give comes once and names them all."""
    found: dict[str, Row] = {}
    decisions = list(review.decisions.all())
    filters = review.round.strategy == Strategy.FILTER
    for decision in about_drafts(decisions) if filters else standing(decisions):
        lesson = _DraftsLesson if filters else _Lesson
        for row in lesson(decision, review, catalog, guideline).rows():
            if earlier := found.get(row.id):
                row = replace(row, provenance=_merged(earlier.provenance, row.provenance))
            found[row.id] = row
    yield from found.values()


def standing(decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions that still count, oldest first."""
    last_of_slot = {decision.slot_id: decision.pk for decision in decisions}
    return [
        decision
        for decision in decisions
        if decision.verdict == Verdict.OVERRIDE or last_of_slot[decision.slot_id] == decision.pk
    ]


def about_drafts(decisions: Sequence[Decision]) -> list[Decision]:
    """The same where drafts were filtered: the last approval or rejection of each slot, and of each draft the last
    judgement. What was edited is taught by the approval that kept it."""
    concluded = [d for d in decisions if d.verdict in (Verdict.APPROVE, Verdict.REJECT)]
    judged = {d.turn_id: d.pk for d in decisions if d.verdict == Verdict.OVERRIDE}
    last = {decision.slot_id: decision.pk for decision in concluded}
    counts = {*last.values(), *judged.values()}
    return [decision for decision in decisions if decision.pk in counts]


def _merged(one: Provenance, other: Provenance) -> Provenance:
    return replace(
        one,
        decisions=one.decisions + other.decisions,
        verdicts=one.verdicts + other.verdicts,
        roles=one.roles + other.roles,
        turns=tuple(dict.fromkeys(one.turns + other.turns)),
    )


class _Lesson:
    """What one decision teaches."""

    def __init__(self, decision: Decision, review: Review, catalog: Catalog, guideline: str) -> None:
        round_ = review.round
        self._decision, self._round, self._catalog, self._guideline = decision, round_, catalog, guideline
        self._turns = list(round_.turns.all())
        self._by_id = {turn.pk: turn for turn in self._turns}
        self._subject = Subject.from_json(round_.evidence)
        self._proposed = self._by_id[decision.turn_id]

    def rows(self) -> Iterator[Row]:
        match self._decision.verdict:
            case Verdict.APPROVE:
                yield from self._approved(self._proposed)
            case Verdict.EDIT:
                yield from self._edited(self._proposed, self._by_id[self._decision.made_turn_id or 0])
            case Verdict.OVERRIDE:
                override = self._by_id[self._decision.made_turn_id or 0]
                yield from self._critique(self._proposed, override.text, self._from(override, self._proposed))
            case Verdict.REJECT:
                yield from self._rejected(self._proposed)

    def _approved(self, text: Turn) -> Iterator[Row]:
        provenance = self._from(text)
        yield rows.reason(self._subject, text.text, provenance)
        yield rows.reflect(self._subject, text.text, "reasonable", "", replace(provenance, model=""))
        yield rows.opinion(self._subject, text.text, provenance, approved=True)
        replaced = self._by_id[text.about_id] if text.about_id else None
        if text.kind != TurnKind.REFINE or replaced is None:
            return
        followed = _followed(self._turns, text)
        if followed is not None:
            yield from self._critique(replaced, followed.text, self._from(followed, replaced))
            refined = self._from(text, followed, replaced)
            yield rows.refine(self._subject, replaced.text, followed.text, text.text, refined)
        yield from self._preferred(text, replaced)

    def _edited(self, replaced: Turn, edit: Turn) -> Iterator[Row]:
        yield rows.reason(self._subject, edit.text, self._from(edit))
        if reason := self._reason():
            provenance = self._from(edit, replaced)
            yield from self._critique(replaced, reason, provenance)
            yield rows.refine(self._subject, replaced.text, reason, edit.text, provenance)
        yield from self._preferred(edit, replaced)

    def _rejected(self, text: Turn) -> Iterator[Row]:
        yield rows.opinion(self._subject, text.text, self._from(text), approved=False)
        if reason := self._reason():
            yield from self._critique(text, reason, replace(self._from(text), model=""))

    def _preferred(self, chosen: Turn, rejected: Turn) -> Iterator[Row]:
        if chosen.text.split() != rejected.text.split():
            provenance = self._from(chosen, rejected)
            yield rows.preference(self._subject, chosen=chosen.text, rejected=rejected.text, provenance=provenance)

    def _critique(self, text: Turn, critique: str, provenance: Provenance) -> Iterator[Row]:
        """A judgement to learn, unless it is so short that the round's own parser would refuse it."""
        if len(critique.split()) >= MIN_CRITIQUE:
            yield rows.reflect(self._subject, text.text, "not_reasonable", critique, provenance)

    def _reason(self) -> str:
        """The person's stated reason, where it says enough to be a critique."""
        reason = self._decision.reason.strip()
        return reason if len(reason.split()) >= MIN_CRITIQUE else ""

    def _from(self, written: Turn, *others: Turn) -> Provenance:
        """`written`: the turn whose text is to be learnt."""
        round_, decision = self._round, self._decision
        turns = (written, *others)
        return Provenance(
            source="human",
            catalog=self._catalog.name,
            subject_kind=str(round_.subject_kind),
            subject=round_.end_user_id or round_.item_id or 0,
            as_of=round_.as_of,
            created=decision.created_at.isoformat(),
            round=round_.pk,
            turns=tuple(turn.pk for turn in turns),
            decisions=(decision.pk,),
            verdicts=(decision.verdict,),
            roles=(decision.account.role,),
            calls=tuple(turn.call_id for turn in turns if turn.call_id),
            model=written.call.model if written.call else "",
            guideline_version=self._guideline,
        )


class _DraftsLesson(_Lesson):
    """What one decision about a round with several drafts teaches."""

    def rows(self) -> Iterator[Row]:
        seen = [turn for turn in self._turns if turn.index < self._decision.seen["turns"]]
        values = turn_values(seen)
        by_index = {turn.index: turn for turn in seen}
        kept = [by_index[index] for index in filtering.kept(values)]
        match self._decision.verdict:
            case Verdict.APPROVE:
                yield from self._chosen(kept, values, by_index)
            case Verdict.OVERRIDE:
                yield from self._judged(self._proposed, self._by_id[self._decision.made_turn_id or 0])
            case Verdict.REJECT:
                for text in kept or [self._proposed]:
                    yield from self._rejected(text)

    def _chosen(self, kept: list[Turn], values: list[TurnValue], by_index: dict[int, Turn]) -> Iterator[Row]:
        for text in kept:
            yield from self._approved(text)
            if text.kind == TurnKind.EDIT and text.about_id:
                yield from self._preferred(text, self._by_id[text.about_id])
        for draft in filtering.of(values):
            left_out = by_index[draft.index]
            if left_out in kept or draft.repeats is not None:
                continue
            if draft.judgement is not None:
                judged = by_index[draft.judgement]
                yield from self._critique(left_out, judged.text, self._from(judged, left_out))
            yield from self._preferred(kept[0], left_out)

    def _judged(self, text: Turn, override: Turn) -> Iterator[Row]:
        provenance = self._from(override, text)
        if override.verdict == Judgement.REASONABLE:
            yield rows.reflect(self._subject, text.text, "reasonable", "", provenance)
        else:
            yield from self._critique(text, override.text, provenance)
            yield rows.opinion(self._subject, text.text, self._from(text), approved=False)


def _followed(turns: Sequence[Turn], refinement: Turn) -> Turn | None:
    """The critique that a refinement followed: the last one before it, a person's before the reflector's."""
    before = [
        turn
        for turn in turns
        if turn.about_id == refinement.about_id
        and turn.index < refinement.index
        and turn.verdict == Judgement.NOT_REASONABLE
    ]
    overrides = [turn for turn in before if turn.kind == TurnKind.OVERRIDE]
    found = overrides or before
    return found[-1] if found else None
