"""What one decision teaches the actor and the reflector: a function for each verdict (room.verdicts).

An approved text is taught without the sentences that say what people struck or changed (tuning.struck).

| verdict | rows |
| --- | --- |
| approve | the text as an answer (reason), judged reasonable (reflect), liked (kto); what it states (extract), and what
  people changed in that, preferred to what was read (polarity) |
| … of a refinement | also the critique it followed (reflect), the refinement (refine), preferred to what it replaced |
| edit | the person's text as an answer (reason), what it states (extract, polarity), preferred to what it replaced;
  with a stated reason, the reason as a critique (reflect) and the edit as what follows it (refine) |
| override | the person's critique (reflect) |
| reject | not liked (kto); with a stated reason, the reason as a critique (reflect) |

Of a trace, an approval and an edit give the answer to learn (trace). Of a round whose drafts were filtered:

| verdict | rows |
| --- | --- |
| approve | every kept draft as above; of every draft that was left out, the critique (reflect), and the first kept one
  preferred to it; of every edit that was kept, that it is preferred to what it replaced |
| keep, drop | what the draft was judged to be: reasonable, or the person's critique (reflect) and not liked (kto) |
| reject | all kept drafts as above |
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from recommender.models import Catalog, Judgement, Statement, Turn, TurnKind
from recommender.rounds import purposes
from recommender.rounds.core import drafts as filtering
from recommender.rounds.core.parsing import MIN_CRITIQUE
from recommender.rounds.core.types import Subject, TurnValue
from recommender.rounds.queries import turn_values
from recommender.tuning import rows, struck, told
from recommender.tuning.rows import Provenance, Row, Told
from recommender.tuning.struck import Taught
from reviews.models import Decision, Review


class Lesson:
    """One decision, the turns of its round, and the rows that several verdicts give."""

    def __init__(
        self,
        decision: Decision,
        review: Review,
        catalog: Catalog,
        *,
        guideline: str,
        titles: Mapping[str, str],
        denials: Sequence[Statement] = (),
    ) -> None:
        """`titles`: of the catalog's items, by external id; `denials`: what the end user says is not so."""
        round_, self._titles, self._denials = review.round, titles, denials
        round_.catalog = catalog
        self._taught: dict[int, Taught] = {}
        self._decision, self._round, self._catalog, self._guideline = decision, round_, catalog, guideline
        self.turns: Sequence[Turn] = list(round_.turns.all())
        self.by_id = {turn.pk: turn for turn in self.turns}
        self.subject = Subject.from_json(round_.evidence)
        self.about = self.by_id[decision.turn_id]

    @property
    def decision(self) -> Decision:
        return self._decision

    @property
    def made(self) -> Turn:
        """The turn that the decision added."""
        return self.by_id[self._decision.made_turn_id or 0]

    @property
    def reason(self) -> str:
        """The person's stated reason, where it says enough to be a critique."""
        reason = self._decision.reason.strip()
        return reason if len(reason.split()) >= MIN_CRITIQUE else ""

    @cached_property
    def seen(self) -> dict[int, Turn]:
        """The turns that were on the annotator's page, by index."""
        return {turn.index: turn for turn in self.turns if turn.index < self._decision.seen["turns"]}

    @cached_property
    def seen_values(self) -> list[TurnValue]:
        return turn_values(list(self.seen.values()))

    @property
    def kept(self) -> list[Turn]:
        """The drafts that were kept when the decision was made."""
        return [self.seen[index] for index in filtering.kept(self.seen_values)]

    def said(self, text: Turn) -> list[Told]:
        """What a text states, as people left it."""
        return told.of_turn(text, self._titles, approved=False)

    def taught(self, text: Turn) -> Taught:
        """What an approved text teaches: it without what people took out of it."""
        if text.pk not in self._taught:
            self._taught[text.pk] = struck.of_turn(
                text, self._round, self._titles, approved=True, denials=self._denials
            )
        return self._taught[text.pk]

    def answer(self, text: Turn) -> Iterator[Row]:
        """The text as the actor's answer, where enough of it is left."""
        taught = self.taught(text)
        if taught.text:
            row = rows.reason(self.subject, taught.text, self.provenance(text), said=taught.said)
            yield replace(row, struck=taught.struck)

    def passed(self, text: Turn, provenance: Provenance, *, approved: bool = True) -> Iterator[Row]:
        """The text as one that is judged reasonable. `approved`: or kept, and not yet approved."""
        taught = self.taught(text)
        if taught.text:
            said = taught.said if approved else [replace(one, verdict=_unless_by_people(one)) for one in taught.said]
            row = rows.reflect(self.subject, taught.text, "reasonable", "", provenance, said=said)
            yield replace(row, struck=taught.struck)

    def refinement(self, replaced: Turn, critique: str, text: Turn, provenance: Provenance) -> Iterator[Row]:
        """The text as what follows a critique of the one that it replaced."""
        taught = self.taught(text)
        if taught.text:
            row = rows.refine(self.subject, replaced.text, critique, taught.text, provenance, said=taught.said)
            yield replace(row, struck=taught.struck)

    def stated(self, text: Turn) -> Iterator[Row]:
        """What an approved text states, and what people changed in that, preferred to what was read."""
        provenance = replace(self.provenance(text), model="")
        stands, read = told.in_text(text, self._titles), told.as_read(text, self._titles)
        if stands:
            yield rows.extract(self.subject, text.text, provenance, said=stands)
        if rows.statements(stands) != rows.statements(read):
            yield rows.polarity(self.subject, text.text, provenance, chosen=stands, rejected=read)

    def approval(self, text: Turn) -> Iterator[Row]:
        provenance, taught = self.provenance(text), self.taught(text)
        yield from self.answer(text)
        yield from self.passed(text, replace(provenance, model=""))
        if taught.text:
            liked = rows.opinion(self.subject, taught.text, provenance, approved=True, said=taught.said)
            yield replace(liked, struck=taught.struck)
        yield from self.stated(text)
        replaced = self.by_id[text.about_id] if text.about_id else None
        if text.kind != TurnKind.REFINE or replaced is None:
            return
        followed = _followed(self.turns, text)
        if followed is not None:
            yield from self.critique(replaced, followed.text, self.provenance(followed, replaced))
            refined = self.provenance(text, followed, replaced)
            yield from self.refinement(replaced, followed.text, text, refined)
        yield from self.preference(text, replaced)

    def rejection(self, text: Turn) -> Iterator[Row]:
        yield rows.opinion(self.subject, text.text, self.provenance(text), approved=False, said=self.said(text))
        if self.reason:
            yield from self.critique(text, self.reason, replace(self.provenance(text), model=""))

    def preference(self, chosen: Turn, rejected: Turn) -> Iterator[Row]:
        taught = self.taught(chosen)
        if taught.text and taught.text.split() != rejected.text.split():
            row = rows.preference(
                self.subject,
                chosen=taught.text,
                rejected=rejected.text,
                provenance=self.provenance(chosen, rejected),
                said=taught.said,
            )
            yield replace(row, struck=taught.struck)

    def critique(self, text: Turn, critique: str, provenance: Provenance) -> Iterator[Row]:
        """A judgement to learn, unless it is so short that the round's own parser would refuse it."""
        if len(critique.split()) >= MIN_CRITIQUE:
            yield rows.reflect(self.subject, text.text, "not_reasonable", critique, provenance, said=self.said(text))

    def provenance(self, written: Turn, *others: Turn) -> Provenance:
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


def approved(lesson: Lesson) -> Iterator[Row]:
    yield from lesson.approval(lesson.about)


def edited(lesson: Lesson) -> Iterator[Row]:
    edit, replaced = lesson.made, lesson.about
    yield from lesson.answer(edit)
    yield from lesson.stated(edit)
    if lesson.reason:
        provenance = lesson.provenance(edit, replaced)
        yield from lesson.critique(replaced, lesson.reason, provenance)
        yield from lesson.refinement(replaced, lesson.reason, edit, provenance)
    yield from lesson.preference(edit, replaced)


def overridden(lesson: Lesson) -> Iterator[Row]:
    override = lesson.made
    yield from lesson.critique(lesson.about, override.text, lesson.provenance(override, lesson.about))


def trace(lesson: Lesson) -> Iterator[Row]:
    """An approved or edited trace. None once its target was erased."""
    decision, subject = lesson.decision, lesson.subject
    text = lesson.made if decision.made_turn_id else lesson.about
    if subject.asked:
        tag = purposes.tag(turn_values(lesson.turns), text.index)
        yield rows.trace(subject, text.text, lesson.provenance(text), tag=tag)


def rejected(lesson: Lesson) -> Iterator[Row]:
    yield from lesson.rejection(lesson.about)


def approved_drafts(lesson: Lesson) -> Iterator[Row]:
    kept = lesson.kept
    for text in kept:
        yield from lesson.approval(text)
        if text.kind == TurnKind.EDIT and text.about_id:
            yield from lesson.preference(text, lesson.by_id[text.about_id])
    for draft in filtering.of(lesson.seen_values):
        left_out = lesson.seen[draft.index]
        if left_out in kept or draft.repeats is not None:
            continue
        if draft.judgement is not None:
            judged = lesson.seen[draft.judgement]
            yield from lesson.critique(left_out, judged.text, lesson.provenance(judged, left_out))
        yield from lesson.preference(kept[0], left_out)


def kept_draft(lesson: Lesson) -> Iterator[Row]:
    yield from lesson.passed(lesson.about, lesson.provenance(lesson.made, lesson.about), approved=False)


def dropped_draft(lesson: Lesson) -> Iterator[Row]:
    yield from overridden(lesson)
    provenance = lesson.provenance(lesson.about)
    yield rows.opinion(lesson.subject, lesson.about.text, provenance, approved=False, said=lesson.said(lesson.about))


def rejected_drafts(lesson: Lesson) -> Iterator[Row]:
    for text in lesson.kept or [lesson.about]:
        yield from lesson.rejection(text)


def _unless_by_people(one: Told) -> str:
    return "" if one.verdict == "approved" else one.verdict


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
    critiques = overrides or before
    return critiques[-1] if critiques else None
