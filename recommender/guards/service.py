"""The periodic look at what is served: count, judge, and act where a guard is broken or a canary has passed.

Everything may run twice or side by side: counting moves by compare-and-set, and so does a watch's outcome, in the
transaction of what it does.
"""

from datetime import datetime, timedelta

from django.db import transaction

from recommender.accounts import audit
from recommender.guards import counting, judging, watches
from recommender.guards.judging import Judged
from recommender.guards.settings import GuardSettings, settings_of_catalog
from recommender.models import (
    Account,
    AuditEvent,
    BackboneVersion,
    Catalog,
    GuardProgress,
    Item,
    ServedHour,
    VersionState,
    Watch,
    WatchOutcome,
)
from recommender.promotion import activation, rollouts
from recommender.promotion.activation import LookedBack

KEEP_HOURS = timedelta(days=32)  # of figures: longer than the longest window
OPEN = (WatchOutcome.WATCHED, WatchOutcome.PASSED)


def look(now: datetime) -> None:
    """Look after every catalog that has an active version."""
    ServedHour.objects.filter(hour__lt=now - KEEP_HOURS).delete()
    for catalog in Catalog.objects.filter(backbone_versions__state=VersionState.ACTIVE).order_by("pk"):
        look_at(catalog, now)


def look_at(catalog: Catalog, now: datetime) -> None:
    """Count what came, and decide. What other processes count meanwhile, they decide about."""
    if not settings_of_catalog(catalog).watch:
        return
    counting.count(catalog, now)
    counted_until = GuardProgress.objects.get(catalog=catalog).counted_until
    open_watches = Watch.objects.filter(version__catalog=catalog, closed_at=None)
    for watch in open_watches.select_related("version__catalog", "rollout", "against").order_by("pk"):
        if watch.outcome in OPEN and _is_on(watch):
            _decide(watch, now)
        over = watches.over_at(watch)
        if over is not None and over <= counted_until:
            watches.close(watch, now)


def change_settings(catalog: Catalog, settings: GuardSettings, *, by: Account | None) -> None:
    """Watches that are under way keep those they began with."""
    Catalog.objects.filter(pk=catalog.pk).update(guard_settings=settings.to_json())
    audit.record(AuditEvent.CARE_CHANGED, about=catalog, details=_changes(settings), by=by)
    catalog.guard_settings = settings.to_json()


def _changes(settings: GuardSettings) -> str:
    usual, now = GuardSettings().to_json(), settings.to_json()
    other = [f"{name} {value}" for name, value in now.items() if value != usual[name]]
    return f"Guards: {', '.join(other) or 'as by default'}."


def _is_on(watch: Watch) -> bool:
    if watch.rollout:
        return watch.rollout.ended_at is None
    return watch.version.state == VersionState.ACTIVE


def _decide(watch: Watch, now: datetime) -> None:
    judged = judge(watch)
    Watch.objects.filter(pk=watch.pk).update(judged=[one.to_json() for one in judged])
    if broken := [one for one in judged if one.state == "broken"]:
        _break(watch, broken, now)
    elif watch.rollout and watch.outcome == WatchOutcome.WATCHED and has_passed(watch, judged, now):
        _pass(watch, now)


def judge(watch: Watch) -> list[Judged]:
    """Its guards by the sums of now."""
    tried, reference = watches.sides_of(watch)
    catalog = watch.version.catalog_id

    def title_of(item: int) -> str:
        return Item.objects.filter(pk=item).values_list("title", flat=True).first() or "An item that is gone"

    return judging.judge(
        tried,
        reference,
        watches.settings_of(watch),
        level=watch.level,
        items=Item.objects.filter(catalog=catalog).count(),
        title_of=title_of,
        same_scores=watch.against is None or watch.against.drawn == watch.version.drawn,
    )


def has_passed(watch: Watch, judged: list[Judged], now: datetime) -> bool:
    """Whether its time is over, with no guard broken and enough people on both sides.

    A click rate that nobody's clicks say anything about holds nothing up.
    """
    settings = watches.settings_of(watch)
    ready = all(one.state == "kept" for one in judged if one.name in ("failed", "fell_back", "crowding"))
    return ready and now - watch.started_at >= timedelta(hours=settings.canary_hours)


def _break(watch: Watch, broken: list[Judged], now: datetime) -> None:
    figures = " ".join(f"{one.label}: {one.words}" for one in broken)
    back = watch.rollout is None and watches.settings_of(watch).when_active_breaks == "roll_back"
    looked_at = activation.look_back(watch.version.catalog) if back else None  # before the transaction: it reads files
    with transaction.atomic():
        if not _move(watch, WatchOutcome.BROKEN, now):
            return
        if watch.rollout:
            reason = f"Rolled back by its guards. {figures}"
            ended = rollouts.stop(watch.rollout, by=None, reason=reason)
            done = (
                "It was rolled back: its users get the active model again." if ended else "It had been ended already."
            )
            said = f"{done} {figures}"
        elif looked_at:
            said = _go_back(watch.version, looked_at, figures)
        else:
            said = f"The active model broke a guard. {figures}"
        Watch.objects.filter(pk=watch.pk).update(said=said)
        audit.record(AuditEvent.GUARD_BROKEN, about=watch.version, details=said, by_itself=True)


def _go_back(version: BackboneVersion, looked_at: LookedBack, figures: str) -> str:
    """What came of it, in words."""
    reason = f"By its guards. {figures}"
    try:
        taken = activation.roll_back_in_transaction(
            version.catalog, looked_at, by=None, seen=version.number, reason=reason
        )
    except activation.RefusedError as refusal:
        return f"The active model broke a guard, and stays. {refusal} {figures}"
    return f"Model {taken.version.number} is active again: model {version.number} broke a guard. {figures}"


def _pass(watch: Watch, now: datetime) -> None:
    activates = watches.settings_of(watch).when_passed == "activate"
    unusable = activation.why_unusable(watch.version) if activates else ""  # before the transaction: it reads files
    with transaction.atomic():
        if not _move(watch, WatchOutcome.PASSED, now):
            return
        said = "It had its time, and broke no guard."
        if activates:
            said = f"{said} {_activate(watch, unusable)}"
        Watch.objects.filter(pk=watch.pk).update(said=said)


def _activate(watch: Watch, unusable: str) -> str:
    """What came of it, in words. The gates that stand against it are told as by hand."""
    seen = watch.against.number if watch.against else activation.NOBODY
    try:
        activation.activate_in_transaction(watch.version, by=None, seen=seen, unusable=unusable)
    except activation.RefusedError as refusal:
        return f"It was not activated. {refusal}"
    return "It was activated."


def _move(watch: Watch, outcome: WatchOutcome, now: datetime) -> bool:
    """False: somebody else decided in this very moment."""
    mine = Watch.objects.filter(pk=watch.pk, outcome=watch.outcome)
    return bool(mine.update(outcome=outcome, decided_at=now))
