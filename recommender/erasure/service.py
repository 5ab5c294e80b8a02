"""Erase a person or an item: rows in one transaction, then files, and later once more what was under way meanwhile."""

import logging
import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from recommender.accounts import audit
from recommender.erasure import files, rows, traces
from recommender.erasure.queries import TABLES, find
from recommender.erasure.traces import Subject
from recommender.models import (
    Account,
    AuditEvent,
    BackboneVersion,
    Catalog,
    Digester,
    Erasure,
    KnowledgeVector,
    Round,
    RunState,
    SubjectKind,
    TeacherCase,
    VersionState,
)
from recommender.runs import service as runs
from recommender.runs.kinds import KINDS

log = logging.getLogger(__name__)

SETTLES_AFTER = timedelta(minutes=10)  # longer than any work goes on that has lost its lease, or a request takes
TITLE = "Erased"


class UnknownSubjectError(Exception):
    """The catalog has no such end user or item, and none of that id was erased."""


def erase(catalog: Catalog, kind: SubjectKind, external_id: str, *, by: Account | None = None) -> Erasure:
    """Erase for good and return the receipt. Doing so again goes on with what is missing, and returns the same one.

    Raises UnknownSubjectError.
    """
    subject = find(catalog, kind, external_id)
    erasure = _erase_rows(subject, by=by) if subject else None
    erasure = erasure or Erasure.objects.named(catalog, kind, external_id)
    if erasure is None:
        raise UnknownSubjectError(f"The catalog {catalog.name} has no {kind.label} of this id.")
    try:
        _clear_files(erasure)
    except OSError:
        log.exception("The files of %s could not be cleared; that is tried again when it settles", erasure)
    return erasure


def _erase_rows(subject: Subject, *, by: Account | None) -> Erasure | None:
    """None where another process was faster."""
    kind, catalog = traces.kind_of(subject), subject.catalog
    # Looking through evidence may take long: most of it is done before anybody has to wait.
    rounds_until, cases_until = _last(Round), _last(TeacherCase)
    interactions = set(traces.interactions_of(subject).values_list("pk", flat=True))
    others, cases = traces.rounds_showing(subject, interactions), traces.cases_showing(subject, interactions)
    with transaction.atomic():
        Catalog.objects.select_for_update().get(pk=catalog.pk)
        rows.lock(subject)
        if not type(subject).objects.filter(pk=subject.pk).exists():
            return None
        interactions |= set(traces.interactions_of(subject).values_list("pk", flat=True))
        others += traces.rounds_showing(subject, interactions, after=rounds_until)
        cases += traces.cases_showing(subject, interactions, after=cases_until)
        own = list(Round.objects.filter(traces.about(subject)).order_by("pk").values_list("pk", flat=True))
        digest, digests = Digester(catalog, kind), Digester(catalog, "text")
        remaining = {
            "interactions": sorted(interactions),
            "rounds": _last(Round),
            "vectors": _last(KnowledgeVector),
            "texts": sorted(digests(one) for one in traces.hashes(traces.texts_about(subject))),
        }
        counts = rows.clear(subject, interactions=interactions, rounds=others, cases=cases)
        counts["computations begun again"] = _begin_again(catalog)
        content = {
            "counts": {name: count for name, count in counts.items() if count},
            "training_rows": {"rounds": sorted({*own, *others}), "cases": sorted(set(cases))},
            "trained_with": _trained_with(catalog),
        }
        erasure = Erasure.objects.create(
            catalog=catalog,
            kind=kind,
            digest=digest(subject.external_id),
            subject=subject.pk,
            account=by,
            content=content,
            remaining=remaining,
        )
        _leave_nothing_but_a_row(subject)
        _read_anew(catalog)
        audit.record(AuditEvent.ERASED, about=f"receipt {erasure.pk} of {catalog.name}", by=by)
    return erasure


def _leave_nothing_but_a_row(subject: Subject) -> None:
    columns: dict[str, Any] = {
        "external_id": f"erased-{secrets.token_hex(8)}",
        "attributes": {},
        "erased_at": timezone.now(),
    }
    if traces.kind_of(subject) == SubjectKind.ITEM:
        columns["title"] = TITLE
    type(subject).objects.filter(pk=subject.pk).update(**columns)


def _begin_again(catalog: Catalog) -> int:
    """Computations that have read what is erased lose their lease, and are done again without it."""
    of_catalog = {"catalog": catalog, "state": RunState.RUNNING}
    running = [run for kind in KINDS.values() for run in kind.table._default_manager.filter(**of_catalog)]
    for run in running:
        runs.resume(run)
    return len(running)


def _trained_with(catalog: Catalog) -> list[int]:
    """Versions that may still serve and whose weights learnt from it: the next rebuild ends that."""
    versions = BackboneVersion.objects.filter(catalog=catalog).exclude(state=VersionState.RETIRED)
    return list(versions.order_by("number").values_list("number", flat=True))


def _last(table: Any) -> int:
    return int(table.objects.aggregate(last=Max("pk"))["last"] or 0)


def _clear_files(erasure: Erasure) -> None:
    catalog, about = erasure.catalog, erasure.content["training_rows"]
    files.clear_versions(catalog)
    files.clear_groupings(catalog)
    adapters = files.clear_adapters(catalog, rounds=set(about["rounds"]), cases=set(about["cases"]))
    if adapters:
        known = erasure.content.get("adapters", [])
        erasure.content["adapters"] = sorted({*known, *adapters})
        erasure.save(update_fields=["content"])
    files.clear_thinkrec(catalog)
    files.clear_demonstration(catalog)
    _read_anew(catalog)


def _read_anew(catalog: Catalog) -> None:
    """Every serving process sees the number with its next request, and lets go of what it has in memory."""
    Catalog.objects.filter(pk=catalog.pk).update(erasures=F("erasures") + 1)


def settle_due() -> int:
    """Look once more for what was under way at an erasure, such as a list that was being logged; returns how many."""
    due = Erasure.objects.filter(settled_at=None, created_at__lt=timezone.now() - SETTLES_AFTER)
    found = list(due.select_related("catalog").order_by("pk"))
    for erasure in found:
        settle(erasure)
    return len(found)


def settle(erasure: Erasure) -> None:
    """Clear again what came since, and forget what was kept to find it."""
    catalog, left = erasure.catalog, erasure.remaining
    table = TABLES[SubjectKind(erasure.kind)]
    with transaction.atomic():
        Catalog.objects.select_for_update().get(pk=catalog.pk)
        subject = table.with_erased.select_related("catalog").get(pk=erasure.subject)
        rows.lock(subject)
        interactions = {*left.get("interactions", ()), *traces.interactions_of(subject).values_list("pk", flat=True)}
        others = traces.rounds_showing(subject, interactions, after=left.get("rounds", 0))
        rows.clear(subject, interactions=interactions, rounds=others, cases=traces.cases_showing(subject, interactions))
        digest, digests = Digester(catalog, "text"), set(left.get("texts", ()))
        later = KnowledgeVector.objects.filter(pk__gt=left.get("vectors", 0)).values_list("text_hash", flat=True)
        rows.forget_vectors({one for one in later.iterator() if digest(one) in digests} if digests else ())
        Erasure.objects.filter(pk=erasure.pk).update(settled_at=timezone.now(), remaining={})
    _clear_files(erasure)
