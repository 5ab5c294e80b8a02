"""A teacher's cases: open them, store what the teacher said. The asking itself is worker.teacher's."""

from collections.abc import Sequence
from itertools import islice

from django.db import transaction
from django.db.models import Prefetch

from recommender.models import Catalog, TeacherCall, TeacherCase
from recommender.rounds.config import Subjects
from recommender.tuning.teacher import cases


class CannotTeachError(Exception):
    """The catalog has nothing that a teacher can be asked about; the message says why."""


def unfinished(catalog: Catalog, *, subjects: Subjects, limit: int) -> list[TeacherCase]:
    """Cases to ask about, with their calls: first those that an earlier run left, then new ones, which are stored.

    `limit` counts end users' and items' cases apart. Raises CannotTeachError where it is not known what came first.
    """
    if not catalog.ordered:
        raise CannotTeachError(
            f"A teacher's cases ask about what an end user met next, and catalog {catalog} was imported without an "
            "order: build training sets from what people decided (export_training_sets)."
        )
    found: list[TeacherCase] = []
    for kind, source in (("end-users", cases.of_end_users), ("items", cases.of_items)):
        if subjects not in (kind, "all"):
            continue
        left = TeacherCase.objects.filter(catalog=catalog, outcome="", item__isnull=kind == "end-users")
        ids = list(left.order_by("pk").values_list("pk", flat=True)[:limit])
        new = list(islice(source(catalog), limit - len(ids)))
        ids += [case.pk for case in TeacherCase.objects.bulk_create(new)]
        calls = Prefetch("calls", TeacherCall.objects.order_by("pk"))
        found += TeacherCase.objects.filter(pk__in=ids).order_by("pk").prefetch_related(calls)
    return found


@transaction.atomic
def store(calls: Sequence[TeacherCall], finished: Sequence[TeacherCase]) -> None:
    """Store what was asked, and the outcome of cases that it decided; of a case that was erased meanwhile, nothing."""
    asked = TeacherCase.objects.filter(pk__in={call.case_id for call in calls})
    there = set(asked.select_for_update().values_list("pk", flat=True))
    TeacherCall.objects.bulk_create([call for call in calls if call.case_id in there])
    TeacherCase.objects.bulk_update(finished, ["outcome"])
