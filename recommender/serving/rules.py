"""Business rules: read for a request, set and removed. Whoever changes them, the next request of any process knows."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from numpy.typing import NDArray

from recommender.accounts import audit
from recommender.models import Account, AuditEvent, Catalog, Item, Rule, RuleKind
from recommender.process_cache import ProcessCache
from recommender.serving.catalog_index import CatalogIndex

KEPT_CATALOGS = 8
MOST_PLACE = 100  # as many as the longest list has


@dataclass(frozen=True, slots=True)
class Held:
    """A rule as a process holds it."""

    pk: int
    kind: RuleKind
    item_pk: int
    place: int
    note: str
    scenario: str
    since: datetime
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        """Of one that has begun."""
        return self.until is None or self.until > now


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule about the item at `position` of the index. `place`: of a pin, from 1; else 0."""

    rule: Held
    position: int


@dataclass(frozen=True, slots=True)
class Rules:
    """Those that hold for one request. `pins`: by place. `until`: when the first begins or ends; None: none does."""

    pins: Sequence[Placed] = ()
    buried: Sequence[Placed] = ()
    out_of_stock: NDArray[np.int64] | None = None  # positions
    until: datetime | None = None


NONE = Rules()
KEPT: ProcessCache[tuple[int, datetime, int, int, str], Sequence[Held]] = ProcessCache("rules", most=KEPT_CATALOGS)


def holding(catalog: Catalog, index: CatalogIndex, *, scenario: str) -> Rules:
    """The rules of a scenario and of all, as of now. No query, unless they have changed."""
    key = (catalog.pk, catalog.created_at, catalog.erasures, catalog.rule_changes, scenario)
    known = KEPT.get(key, lambda: _read(catalog, scenario))
    if not known:
        return NONE
    now = timezone.now()
    last = {(rule.scenario, rule.item_pk): rule for rule in known if rule.since <= now}
    of_items = {rule.item_pk: rule for rule in last.values() if rule.holds(now)}  # those for all come first
    held = sorted(of_items.values(), key=lambda rule: rule.pk)
    pks = np.array([rule.item_pk for rule in held], dtype=np.int64)
    places = np.searchsorted(index.pks, pks)
    there = [place < len(index) and index.pks[place] == pk for place, pk in zip(places.tolist(), pks, strict=True)]
    placed = [Placed(rule, int(place)) for rule, place, is_there in zip(held, places, there, strict=True) if is_there]
    return Rules(
        sorted((one for one in placed if one.rule.kind == RuleKind.PIN), key=lambda one: one.rule.place),
        [one for one in placed if one.rule.kind == RuleKind.BURY],
        np.array([one.position for one in placed if one.rule.kind == RuleKind.OUT_OF_STOCK], dtype=np.int64),
        min((at for rule in known for at in (rule.since, rule.until) if at is not None and at > now), default=None),
    )


def _read(catalog: Catalog, scenario: str) -> Sequence[Held]:
    """Those for all, then the scenario's own, each as they begin: also what has ended, or begins later."""
    KEPT.drop(lambda other: other[0] == catalog.pk and other[3] != catalog.rule_changes)
    known = [
        Held(
            row.pk,
            RuleKind(row.kind),
            row.item_id,
            row.place or 0,
            row.note,
            row.scenario,
            row.since or row.created_at,
            row.until,
        )
        for row in Rule.objects.filter(catalog=catalog, scenario__in=("", scenario))
    ]
    ever = [rule for rule in known if rule.until is None or rule.until > rule.since]  # others ended before they began
    return sorted(ever, key=lambda rule: (rule.scenario, rule.since))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rule that somebody wants. `place`: of a pin only. `since`: None: at once."""

    kind: RuleKind
    item_id: str
    scenario: str = ""
    place: int | None = None
    note: str = ""
    since: datetime | None = None
    until: datetime | None = None


class EndedError(ValueError):
    """Rules whose `until` has passed, or is no later than their `since`, would hold for no list.

    `places`: theirs in what was wanted.
    """

    def __init__(self, places: Sequence[int]) -> None:
        super().__init__("A rule would end before it begins. Let it end later, or leave out its end.")
        self.places = places


def put(catalog: Catalog, wanted: Sequence[Wanted], *, by: Account | None) -> tuple[list[Rule], list[int]]:
    """Set rules; one about the same item and scenario gives way when they begin. Returns those set, with `replaced_at`,
    and the places in `wanted` of those whose item the catalog does not have.

    Raises EndedError; then nothing is set.
    """
    now = timezone.now()
    if ended := [
        n for n, one in enumerate(wanted) if one.until is not None and one.until <= max(one.since or now, now)
    ]:
        raise EndedError(ended)
    ids = {one.item_id for one in wanted if "\x00" not in one.item_id}
    items = {item.external_id: item for item in Item.objects.filter(catalog=catalog, external_id__in=ids)}
    refused = [place for place, one in enumerate(wanted) if one.item_id not in items]
    begins = {n: one.since if one.since and one.since > now else None for n, one in enumerate(wanted)}
    latest = {(one.scenario, one.item_id, begins[n]): one for n, one in enumerate(wanted) if one.item_id in items}
    rows = [
        Rule(
            catalog=catalog,
            scenario=one.scenario,
            kind=one.kind,
            item=items[one.item_id],
            place=one.place if one.kind == RuleKind.PIN else None,
            note=one.note,
            since=one.since,
            until=one.until,
            account=by,
        )
        for one in latest.values()
    ]
    with transaction.atomic():
        _changed(catalog)
        for scenario, since in {(scenario, since) for scenario, _, since in latest}:
            about = [items[item_id].pk for own, item_id, at in latest if (own, at) == (scenario, since)]
            begun = Q(since=since) if since else Q(since=None) | Q(since__lte=now)
            Rule.objects.filter(begun, catalog=catalog, scenario=scenario, item_id__in=about).delete()
        pks = [row.pk for row in Rule.objects.bulk_create(rows)]
        if pks:
            audit.record(AuditEvent.RULES_CHANGED, about=catalog, details=f"{len(pks)} set", by=by)
    made = Rule.objects.with_successors().filter(pk__in=pks).select_related("item", "catalog").order_by("pk")
    return list(made), refused


def remove(catalog: Catalog, rules: Collection[int], *, by: Account | None) -> int:
    """Remove rules by id; returns how many there were."""
    return _remove(catalog, Q(pk__in=rules), by=by)


def remove_of(
    catalog: Catalog,
    item_ids: Collection[str],
    *,
    kind: str | None = None,
    scenario: str | None = None,
    by: Account | None,
) -> int:
    """Remove the rules of these items; of one kind or scenario only, where that is told. Returns how many there were.

    What has no such rule, or is no item, is passed over.
    """
    about = Q(item__external_id__in=item_ids)
    only = Q(**{name: value for name, value in (("kind", kind), ("scenario", scenario)) if value is not None})
    return _remove(catalog, about & only, by=by)


def _remove(catalog: Catalog, which: Q, *, by: Account | None) -> int:
    with transaction.atomic():
        _changed(catalog)
        removed, _ = Rule.objects.filter(which, catalog=catalog).delete()
        if removed:
            audit.record(AuditEvent.RULES_CHANGED, about=catalog, details=f"{removed} removed", by=by)
    return removed


def end(catalog: Catalog, rule: int, *, by: Account | None) -> Rule | None:
    """Let a rule hold no longer, and keep it as one that has ended. Returns it as it was; None: there is none.

    One that was to begin later never does.
    """
    now = timezone.now()
    with transaction.atomic():
        _changed(catalog)
        not_ended = Rule.objects.filter(Q(until=None) | Q(until__gt=now), catalog=catalog, pk=rule)
        found = not_ended.select_related("item").first()
        if found is not None:
            not_ended.update(until=now)
            audit.record(AuditEvent.RULES_CHANGED, about=catalog, details="1 ended", by=by)
    return found


def standing(about: Iterable[Rule], *, at: datetime) -> Rule | None:
    """Of the rules about one item and scenario, the one that holds at that moment."""
    begun = {rule.since or rule.created_at: rule for rule in about}
    ever = {since: rule for since, rule in begun.items() if since <= at and not (rule.until and rule.until <= since)}
    last = ever[max(ever)] if ever else None
    return last if last and (last.until is None or last.until > at) else None


def in_words(rules: Iterable[Rule]) -> Iterable[str]:
    """One line a rule, with its item and `replaced_at` loaded."""
    for rule in rules:
        where = f" at {rule.place}" if rule.place else ""
        scenario = f", scenario {rule.scenario}" if rule.scenario else ""
        since = f", from {rule.since:%Y-%m-%d %H:%M} UTC" if rule.since else ""
        until = f", until {rule.until:%Y-%m-%d %H:%M} UTC" if rule.until else ""
        note = f": {rule.note}" if rule.note else ""
        replaced = f", replaced {rule.replaced_at:%Y-%m-%d %H:%M} UTC" if rule.replaced_at else ""
        when = f"{since}{until}{replaced}"
        yield f"{rule.pk}: {rule.kind}{where} {rule.item.external_id} “{rule.item.title}”{scenario}{when}{note}"


def _changed(catalog: Catalog) -> None:
    """Locks the catalog's row until the transaction ends. What was replaced meanwhile gets its end, and so keeps it
    when what took its place is removed."""
    Catalog.objects.filter(pk=catalog.pk).update(rule_changes=F("rule_changes") + 1)
    not_told = Q(until=None) | Q(until__gt=F("replaced_at"))
    known = Rule.objects.with_successors().filter(Q(replaced_at__lte=timezone.now()) & not_told, catalog=catalog)
    for rule in known:
        Rule.objects.filter(pk=rule.pk).update(until=rule.replaced_at)
