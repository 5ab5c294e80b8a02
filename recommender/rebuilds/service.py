"""Starting trainings by the schedule: at most one at a time in a catalog, and none where nothing has changed.

What is decided is a row, written in the transaction of the training's own: whoever is killed leaves both or neither,
and of two that decide at once one waits for the catalog and finds the other's row. The run itself is one like those of
people: it is sent again where its worker is lost, and asks for its gates.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from recommender.accounts import audit
from recommender.models import (
    Account,
    AuditEvent,
    BackboneVersion,
    Catalog,
    Examination,
    Knowledge,
    Rebuild,
    RebuildReason,
    Rollout,
    RolloutMode,
    RunState,
    TrainingRun,
    VersionState,
)
from recommender.promotion import rollouts
from recommender.rebuilds import slots
from recommender.rebuilds.settings import SINCE, RebuildSettings, settings_of_catalog
from recommender.recipe import KNOWLEDGE, TrainConfig
from recommender.runs import service as runs
from recommender.runs.kinds import TRAINING

FIRST_PAUSE, LONGEST_PAUSE = timedelta(hours=1), timedelta(hours=24)  # after failures, doubled with each


def look(now: datetime) -> None:
    """Go on with what was started, and start what is due, in every catalog."""
    for rebuild in Rebuild.objects.filter(outcome="").select_related("catalog", "run").order_by("pk"):
        go_on(rebuild)
    for catalog in Catalog.objects.exclude(rebuild_settings={}).order_by("pk"):
        start_if_due(catalog, now)


def change_settings(catalog: Catalog, settings: RebuildSettings, *, by: Account | None) -> None:
    """A slot of before starts nothing: whoever switches it on at noon did not mean last night."""
    kept = settings.to_json() | {SINCE: timezone.now().isoformat()}
    Catalog.objects.filter(pk=catalog.pk).update(rebuild_settings=kept)
    said = ", ".join(f"{name} {value}" for name, value in settings.to_json().items())
    audit.record(AuditEvent.CARE_CHANGED, about=catalog, details=f"Training by itself: {said}.", by=by)
    catalog.rebuild_settings = kept


@dataclass(frozen=True, slots=True)
class Changed:
    """What came since the newest version was trained. `version`: None where there is none; `data`: None: not known."""

    version: BackboneVersion | None
    new_texts: int
    gone_texts: int
    data: bool | None

    @property
    def anything(self) -> bool:
        return self.version is None or bool(self.new_texts or self.gone_texts) or self.data is not False

    @property
    def words(self) -> str:
        if self.version is None:
            return "There is no model yet."
        if not self.anything:
            return f"Nothing has changed since model {self.version.number} was trained."
        texts = "1 new text" if self.new_texts == 1 else f"{self.new_texts} new texts"
        said = f"Since model {self.version.number} was trained: {texts}, {self.gone_texts} gone"
        of_data = {True: "new ratings or items", False: "no new ratings", None: "ratings not compared"}
        return f"{said}, {of_data[self.data]}."


def changed(catalog: Catalog) -> Changed:
    """Texts by the snapshot of the newest version, ratings and items by what the catalog had counted. `catalog` is
    read anew."""
    version = catalog.backbone_versions.select_related("snapshot").order_by("number").last()
    in_force = Knowledge.objects.filter(catalog=catalog, in_force=True)
    if version is None:
        return Changed(None, in_force.count(), 0, data=None)
    known = version.snapshot.knowledge.values("pk")
    gone = version.snapshot.knowledge.filter(in_force=False).count()
    counted = Catalog.objects.values_list("changes", flat=True).get(pk=catalog.pk)
    data = None if version.catalog_changes is None else version.catalog_changes != counted
    return Changed(version, in_force.exclude(pk__in=known).count(), gone, data)


def start_if_due(catalog: Catalog, now: datetime) -> Rebuild | None:
    """Start a training, or note why a slot is left out; None where nothing is due or something holds it up."""
    if not is_due(catalog, now):
        return None
    with transaction.atomic():
        catalog = Catalog.objects.select_for_update().get(pk=catalog.pk)
        settings = settings_of_catalog(catalog)
        due = _due(catalog, settings, now)
        if due is None or held_up(catalog, now):
            return None
        reason, slot = due
        found = changed(catalog)
        row = {"catalog": catalog, "reason": reason, "slot": slot, "settings": settings.to_json()}
        if not found.anything and not slot:
            return None
        if not found.anything:
            return Rebuild.objects.create(**row, outcome=f"Not started. {found.words}")
        run = runs.request(TRAINING, catalog=catalog, config=_config(catalog), activate=settings.policy == "activate")
        said = f"Training {run.pk}, because {RebuildReason(reason).label}. {found.words}"
        audit.record(AuditEvent.REBUILD_STARTED, about=catalog, details=said, by_itself=True)
        return Rebuild.objects.create(**row, run=run)


def is_due(catalog: Catalog, now: datetime) -> bool:
    """Without a lock: most looks end here."""
    return _due(catalog, settings_of_catalog(catalog), now) is not None and not held_up(catalog, now)


def held_up(catalog: Catalog, now: datetime) -> str:
    """What a training has to wait for, in words; empty for nothing."""
    if TrainingRun.objects.filter(catalog=catalog, state__in=runs.UNFINISHED).exists():
        return "A training is under way."
    if Examination.objects.filter(catalog=catalog, state__in=runs.UNFINISHED).exists():
        return "A model is being checked."
    tried = Rollout.objects.filter(catalog=catalog, ended_at=None).select_related("version").first()
    if tried and settings_of_catalog(catalog).policy == "canary":
        return f"Model {tried.version.number} is being tried, and only one can be at a time."
    pause = paused_until(catalog)
    return f"The last training failed: it waits until {pause:%Y-%m-%d %H:%M} UTC." if pause and pause > now else ""


def paused_until(catalog: Catalog) -> datetime | None:
    """After n failures in a row: FIRST_PAUSE, twice that, … at most LONGEST_PAUSE after the last one."""
    failures, last = 0, None
    for rebuild in _started(catalog):
        if rebuild.run is None or rebuild.run.state != RunState.FAILED:
            break
        failures += 1
        last = last or rebuild.run.finished_at
    return last + min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE) if last else None


def _started(catalog: Catalog) -> QuerySet[Rebuild]:
    """Newest first."""
    return Rebuild.objects.filter(catalog=catalog).exclude(run=None).select_related("run").order_by("-pk")[:20]


def _due(catalog: Catalog, settings: RebuildSettings, now: datetime) -> tuple[str, str] | None:
    """Why one is due now, and the slot that it takes."""
    if settings.when == "off":
        return None
    if settings.by_time:
        slot = slots.latest(settings, now)
        since = _since(catalog)
        if (since is None or slot.at > since) and not catalog.rebuilds.filter(slot=slot.name).exists():
            return RebuildReason.SCHEDULE, slot.name
    last = _started(catalog).first()
    if last and last.run and last.run.state == RunState.FAILED:
        return RebuildReason.AGAIN, ""
    if settings.by_texts and changed(catalog).new_texts >= settings.texts:
        return RebuildReason.TEXTS, ""
    return None


def _since(catalog: Catalog) -> datetime | None:
    """When the schedule was set."""
    set_at = catalog.rebuild_settings.get(SINCE)
    return datetime.fromisoformat(set_at) if set_at else None


def _config(catalog: Catalog) -> dict[str, Any]:
    """As the active version was trained, else the newest that serves more than to compare, else the defaults."""
    versions = catalog.backbone_versions.order_by("-number")
    active = versions.filter(state=VersionState.ACTIVE).first()
    for version in [active] if active else versions:
        config = TrainConfig.from_json(version.config)
        if config.knowledge_source == KNOWLEDGE:
            return config.to_json()
    return TrainConfig().to_json()


def go_on(rebuild: Rebuild) -> None:
    """Write what came of a training, and start its canary where that was asked for. Harmless when done again."""
    said = _came_of(rebuild)
    if said is None:
        return
    Rebuild.objects.filter(pk=rebuild.pk, outcome="").update(outcome=said)


def _came_of(rebuild: Rebuild) -> str | None:
    """In words; None while it is open."""
    run = rebuild.run
    assert run is not None, "a rebuild that started none has its outcome from the start"
    if run.state in runs.UNFINISHED:
        return None
    if run.state != RunState.DONE:
        return f"The training {run.get_state_display()}. {run.error}".strip()
    version = run.version
    examination = version.examinations.order_by("pk").last()
    if examination is None or examination.state in runs.UNFINISHED:
        return None
    made = f"Model {version.number} was made."
    if examination.state != RunState.DONE:
        return f"{made} Its checks could not be made. {examination.error}"
    policy = RebuildSettings.from_json(rebuild.settings)
    if policy.policy == "activate":
        return f"{made} {examination.outcome}"
    if policy.policy == "canary" and version.state == VersionState.CANDIDATE:
        return f"{made} {_try(version, policy.canary_percent / 100)}"
    return f"{made} It waits as a candidate."


def _try(version: BackboneVersion, share: float) -> str:
    try:
        rollouts.start(version, mode=RolloutMode.CANARY, share=share, by=None)
    except rollouts.RolloutRefusedError as refusal:
        return f"It is not tried. {refusal}"
    return f"It is tried with {100 * share:.3g} % of the users."
