"""What a teacher's cases teach: rows of those that passed the four-cell rule, in the order of cases."""

from collections.abc import Iterator, Sequence

from django.db.models import Prefetch

from recommender.grounding import reader
from recommender.grounding.tagger.tags import tagger
from recommender.models import Catalog, TeacherCall, TeacherCase
from recommender.statements.aspects import CatalogAspects, aspects_of
from recommender.tuning import rows, told
from recommender.tuning.rows import Provenance, Row, Told
from recommender.tuning.teacher.cells import Cell
from recommender.tuning.teacher.questions import Ask, Done, Reply, next_move
from recommender.tuning.teacher.triples import Triple

CASES_AT_ONCE = 200
ANSWERED = ("", "malformed")  # error kinds of calls that brought an answer


def move(case: TeacherCase, calls: Sequence[TeacherCall]) -> Ask | Done:
    """What comes next for a case, from its stored calls, oldest first."""
    replies = [
        Reply(call.step, call.answer, str(call.parameters.get("finish_reason", "")))
        for call in calls
        if call.error_kind in ANSWERED
    ]
    return next_move(Triple.from_json(case.triple), label=case.label, replies=replies)


def of_catalog(catalog: Catalog, *, guideline: str = "") -> Iterator[Row]:
    """All rows from a catalog's teacher, streamed in chunks. `guideline`: the version that the rows are to name."""
    kept = TeacherCase.objects.filter(catalog=catalog, outcome__in=[Cell.AGREED.value, Cell.MENDED.value])
    kept = (
        kept.order_by("pk")
        .select_related("item")
        .prefetch_related(Prefetch("calls", TeacherCall.objects.order_by("pk")))
    )
    last, aspects = 0, aspects_of(catalog)
    while chunk := list(kept.filter(pk__gt=last)[:CASES_AT_ONCE]):
        for case in chunk:
            yield from of_case(case, catalog, guideline=guideline, aspects=aspects)
        last = chunk[-1].pk


def of_case(case: TeacherCase, catalog: Catalog, *, guideline: str = "", aspects: CatalogAspects) -> Iterator[Row]:
    calls = [call for call in case.calls.all() if call.error_kind in ANSWERED]
    found = move(case, calls)
    if isinstance(found, Ask):
        return
    subject = Triple.from_json(case.triple).subject
    provenance = Provenance(
        source="teacher",
        catalog=catalog.name,
        subject_kind=str(case.subject_kind),
        subject=case.end_user_id or case.item_id or 0,
        as_of=case.as_of,
        created=calls[-1].created_at.isoformat(),
        case=case.pk,
        calls=tuple(call.pk for call in calls),
        model=calls[-1].model,
        guideline_version=guideline,
    )
    about = case.item.external_id if case.item else ""

    def said(text: str) -> list[Told]:
        read = reader.read(text, aspects.lexicon, about=subject.kind, subject=about, tagger=tagger())
        return told.of_text(text, read, aspects.title_of)

    if found.outcome == Cell.AGREED.value:
        yield rows.reason(subject, found.text, provenance, said=said(found.text))
        yield rows.reflect(subject, found.text, "reasonable", "", provenance, said=said(found.text))
    elif found.outcome == Cell.MENDED.value:
        critique, refined = found.critique, found.refined
        yield rows.reflect(subject, found.text, "not_reasonable", critique, provenance, said=said(found.text))
        yield rows.refine(subject, found.text, critique, refined, provenance, said=said(refined))
