"""What a version's own page shows: its gates, what its rebuild changed, how it is tried, and who did what with it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Avg, Count, Q
from django.utils import timezone

from recommender.guards.figures import Figures, beside, of_catalog
from recommender.models import (
    BackboneVersion,
    Examination,
    ImpactReceipt,
    Item,
    Recommendation,
    Rollout,
    RolloutMode,
    RunState,
    VersionState,
    Watch,
    WatchOutcome,
)
from recommender.promotion.receipts import entered_between
from recommender.runs.kinds import Stage, stage_of
from recommender.runs.service import UNFINISHED
from reviews.models import Decision
from reviews.room import verdicts
from reviews.templatetags import words

SHOWN_DECISIONS = 20


@dataclass(frozen=True, slots=True)
class Gates:
    """`done`: the examination that counts; `under_way`: one that will replace it; `failed`: the last one, if it did."""

    done: Examination | None
    under_way: Examination | None
    failed: Examination | None

    @property
    def stage(self) -> Stage | None:
        """What `under_way` is at."""
        return stage_of(self.under_way) if self.under_way else None


def gates(version: BackboneVersion) -> Gates:
    """One query."""
    examinations = version.examinations.select_related("against", "requested_by").order_by("-pk")[:10]
    done = next((each for each in examinations if each.state == RunState.DONE), None)
    under_way = next((each for each in examinations if each.state in UNFINISHED), None)
    last = examinations[0] if examinations else None
    return Gates(done, under_way, last if last and last.state == RunState.FAILED else None)


@dataclass(frozen=True, slots=True)
class Entered:
    """The decisions behind the knowledge that a rebuild was the first to use. `verdicts`: (noun, how many).

    `latest`: the last of them, and of the rejections that took a text out, with what they were about.
    """

    verdicts: list[tuple[str, int]]
    annotators: int
    rejections: int
    latest: list[Decision]

    @property
    def are_more(self) -> bool:
        """Whether `latest` leaves some out."""
        return len(self.latest) < self.rejections + sum(count for _, count in self.verdicts)


def entered(receipt: ImpactReceipt) -> Entered:
    """Two queries."""
    new, old = receipt.version.snapshot, receipt.previous.snapshot if receipt.previous else None
    came = entered_between(new, old).values("turn")
    putting_in = {row.name: row for row in verdicts.every() if row.puts_in_force}
    taking_out = {row.name for row in verdicts.every() if row.takes_out}
    made = Q()
    for row in putting_in.values():
        made |= Q(verdict=row.name, **{f"{row.puts_in_force}__in": came})
    if old:
        made |= Q(verdict__in=taking_out, turn__in=entered_between(old, new).values("turn"))
    behind = Decision.objects.filter(made)
    given = list(behind.values_list("verdict", "account_id"))
    counts = Counter(verdict for verdict, _ in given)
    subjects = behind.select_related("account", "review__round__end_user", "review__round__item")
    return Entered(
        [(row.noun, counts[name]) for name, row in putting_in.items() if counts[name]],
        len({account for verdict, account in given if verdict in putting_in}),
        sum(counts[name] for name in taking_out),
        list(subjects.order_by("-pk")[:SHOWN_DECISIONS]),
    )


@dataclass(frozen=True, slots=True)
class Tried:
    """How a rollout goes: lists that a canary served or a shadow was compared on, and what the shadow's were like.

    `broken`: guards.judging.Judged as JSON of those guards that ended a canary.
    """

    lists: int
    end_users: int
    overlap: float | None = None
    correlation: float | None = None
    active_ms: float | None = None
    shadow_ms: float | None = None
    errors: int = 0
    broken: Sequence[dict[str, Any]] = ()


def tried(rollout: Rollout) -> Tried:
    """Two queries of a canary, else one."""
    if rollout.mode == RolloutMode.CANARY:
        served = Recommendation.objects.filter(
            catalog=rollout.catalog_id, backbone=rollout.version_id, created_at__gte=rollout.created_at
        )
        if rollout.ended_at:
            served = served.filter(created_at__lte=rollout.ended_at)
        by_guards = Watch.objects.filter(rollout=rollout, rollout__ended_by=None, outcome=WatchOutcome.BROKEN)
        watch = by_guards.first()
        broken = [guard for guard in watch.judged if guard["state"] == "broken"] if watch else []
        counted = served.aggregate(lists=Count("pk"), end_users=Count("end_user", distinct=True))
        return Tried(**counted, broken=broken)
    figures = rollout.samples.aggregate(
        lists=Count("pk"),
        end_users=Count("recommendation__end_user", distinct=True),
        mean_overlap=Avg("overlap"),
        mean_correlation=Avg("correlation"),
        mean_active_ms=Avg("active_ms"),
        mean_shadow_ms=Avg("shadow_ms"),
        errors=Count("pk", filter=~Q(error="")),
    )
    return Tried(**{name.removeprefix("mean_"): value for name, value in figures.items()})


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a version's audit trail. `reason` and `overridden` where somebody overrode gates."""

    at: datetime
    words: str
    by: str
    reason: str = ""
    overridden: tuple[str, ...] = ()


def events(version: BackboneVersion) -> list[Event]:
    """What was done with a version, newest first. Two queries."""
    trail = []
    for activation in version.activations.select_related("account", "previous"):
        after = f", after model {activation.previous.number}" if activation.previous else ""
        did = "Activated" if activation.kind == "activate" else "Went back to this model"
        labels = tuple(words.check(gate) for gate in activation.overridden)
        trail.append(Event(activation.created_at, f"{did}{after}", _by(activation.account), activation.reason, labels))
    for tried_ in version.rollouts.select_related("started_by", "ended_by"):
        how = words.tried_on(tried_.mode, tried_.share)
        trail.append(Event(tried_.created_at, f"{how} started", _by(tried_.started_by)))
        if tried_.ended_at:
            by = _by(tried_.ended_by) if tried_.ended_by else ""
            trail.append(Event(tried_.ended_at, f"{how} ended", by, tried_.end_reason))
    return sorted(trail, key=lambda event: event.at, reverse=True)


def figures(version: BackboneVersion) -> list[Figures]:
    """What guards count of the active version and its canary, or last counted of a version that was a canary."""
    if version.state == VersionState.ACTIVE:
        return of_catalog(version.catalog, timezone.now())
    if not version.watches.exclude(rollout=None).exists():
        return []
    return beside(version.catalog, version, timezone.now())


def titles(receipt: ImpactReceipt) -> dict[str, str]:
    """Of the items that a receipt names, by external id. One query."""
    biggest = (receipt.content["lists"] or {}).get("biggest", [])
    ids = {item for one in biggest for item in (*one["entered"], *one["left"])}
    named = Item.objects.filter(catalog=receipt.version.catalog_id, external_id__in=ids)
    return dict(named.values_list("external_id", "title"))


def _by(account: Any) -> str:
    return str(account) if account else "a command, or by itself"
