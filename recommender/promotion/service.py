"""Examinations: a version's gates measured, its impact receipt written, and, where asked for, its activation."""

from django.conf import settings
from django.db import transaction

from recommender.models import Account, BackboneVersion, Catalog, Examination, RunState, VersionState
from recommender.promotion import activation, receipts
from recommender.promotion.examine import examine
from recommender.promotion.gates import Limits
from recommender.runs import leases
from recommender.runs import service as runs
from recommender.runs.kinds import EXAMINATION
from recommender.runs.recorder import Recorder


def request_examination(
    version: BackboneVersion, *, activate: bool = False, requested_by: Account | None = None, queue: bool = True
) -> Examination:
    """Ask for a version's gates to be measured. One that waits or is under way is not asked for again.

    `activate`: activate it if all pass. `queue`: send it to the training workers; else the caller carries it out.
    """
    with transaction.atomic():
        Catalog.objects.select_for_update().get(pk=version.catalog_id)
        unfinished = version.examinations.filter(state__in=runs.UNFINISHED, activate=activate).first()
        asked = unfinished or runs.request(
            EXAMINATION,
            queue=False,
            catalog_id=version.catalog_id,
            version=version,
            activate=activate,
            requested_by=requested_by,
        )
    if queue and asked.state == RunState.WAITING:
        runs.send(asked)
    return asked


def carry_out(examination: Examination, recorder: Recorder) -> None:
    """Measure, write the receipt, store what the gates said, and activate where that was asked for.

    A lost worker's examination is done again from the start; what is stored, is stored in one transaction.
    """
    version = examination.version
    active = version.catalog.backbone_versions.filter(state=VersionState.ACTIVE).exclude(pk=version.pk).first()
    recorder.at("gates", 0, 1)
    found = examine(
        version,
        active,
        limits=limits(),
        end_users=settings.GATE_END_USERS,
        step=lambda done, of: recorder.at("gates", done, of),
    )
    recorder.at("lists", 0, 1)
    receipts.write(version, active, differences=found.differences, step=lambda done, of: recorder.at("lists", done, of))
    with transaction.atomic():
        Catalog.objects.select_for_update().get(pk=version.catalog_id)
        gates = [gate.to_json() for gate in found.gates]
        leases.finish(examination, against=active, gates=gates, facts=found.facts)
        if examination.activate:
            outcome = _activate(version, active, by=examination.requested_by)
            Examination.objects.filter(pk=examination.pk).update(outcome=outcome)


def limits() -> Limits:
    gates = settings.GATES
    return Limits(gates["gauc_margin"], gates["ndcg_margin"], gates["latency_ms"])


def _activate(version: BackboneVersion, active: BackboneVersion | None, *, by: Account | None) -> str:
    """What came of it, in words."""
    version.refresh_from_db()
    if version.state == VersionState.ACTIVE:
        return "It was active already."
    seen = active.number if active else activation.NOBODY
    try:
        activation.activate_in_transaction(version, by=by, seen=seen)  # its files were looked at just now
    except activation.RefusedError as refusal:
        return f"It stays a {version.get_state_display()}. {refusal}"
    return "It was activated."
