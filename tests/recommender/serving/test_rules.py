"""Business rules: pins, what is buried, what is out of stock, and until when."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from recommender.models import AuditEntry, Catalog, EndUser, Rule, RuleKind
from recommender.serving import catalog_index, rules
from recommender.serving.recommend import recommend
from recommender.serving.request import request_for
from recommender.serving.rules import Wanted
from recommender.serving.served import Served
from recommender.serving.types import RuleReason
from recommender.serving.wish import Wish
from tests.builders import make_account, make_catalog, make_end_user, make_interaction, make_item

PIN, BURY, OUT = RuleKind.PIN, RuleKind.BURY, RuleKind.OUT_OF_STOCK


@pytest.fixture
def shop(db: None) -> Catalog:
    """Items a to f, the most popular first."""
    for kept in (catalog_index.KEPT, rules.KEPT):
        kept.clear()
    catalog = make_catalog("shop")
    for number, name in enumerate("abcdef"):
        item = make_item(catalog, f"Film {name}", external_id=name)
        for _ in range(7 - number):
            make_interaction(make_end_user(catalog), item)
    return catalog


@pytest.fixture
def reader(shop: Catalog) -> EndUser:
    return make_end_user(shop, "reader")


def listed(reader: EndUser, limit: int = 6, **more: Any) -> Served:
    reader.catalog.refresh_from_db()
    return recommend(reader, limit=limit, wish=Wish("", **more), keep=False)


def ids(served: Served) -> str:
    return "".join(item.item_id for item in served.items)


def put(shop: Catalog, *wanted: Wanted) -> list[Rule]:
    return rules.put(shop, wanted, by=None)[0]


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        ([], "abcdef"),
        ([Wanted(PIN, "e", place=1)], "eabcdf"),
        ([Wanted(PIN, "e", place=3)], "abecdf"),
        ([Wanted(PIN, "a", place=99)], "bcdefa"),
        ([Wanted(PIN, "e", place=1), Wanted(PIN, "f", place=2)], "efabcd"),
        ([Wanted(PIN, "f", place=2), Wanted(PIN, "e", place=1)], "efabcd"),
        ([Wanted(BURY, "a")], "bcdefa"),
        ([Wanted(BURY, "a"), Wanted(BURY, "c")], "bdefac"),
        ([Wanted(OUT, "b")], "acdef"),
        ([Wanted(PIN, "f", place=1), Wanted(BURY, "a"), Wanted(OUT, "b")], "fcdea"),
        ([Wanted(PIN, "f", place=1, scenario="thinkrec")], "abcdef"),
        ([Wanted(OUT, "f"), Wanted(PIN, "f", place=2, scenario="backbone")], "afbcde"),
    ],
)
def test_rules_place_items(shop: Catalog, reader: EndUser, wanted: list[Wanted], order: str) -> None:
    put(shop, *wanted)
    assert ids(listed(reader)) == order


def test_rules_are_named(shop: Catalog, reader: EndUser) -> None:
    pin, bury, _ = put(shop, Wanted(PIN, "e", place=1, note="Launch week"), Wanted(BURY, "b"), Wanted(OUT, "f"))
    served = listed(reader)
    assert served.items[0].of(RuleReason) == [RuleReason(pin.pk, "pin", "Launch week")]
    assert served.items[-1].of(RuleReason) == [RuleReason(bury.pk, "bury", "")]
    assert {notice.code: notice.detail for notice in served.notices} == {
        "pinned": "A rule pins 1 item of this list.",
        "buried": "A rule puts 1 item at the end of this list.",
        "out_of_stock": "1 item left out: out of stock.",
        "fewer_items": "5 of the 6 asked for. No other may be listed: no other source fills a list up.",
    }


def test_a_buried_item_is_listed_only_where_there_is_room(shop: Catalog, reader: EndUser) -> None:
    put(shop, Wanted(BURY, "a"))
    assert ids(listed(reader, limit=3)) == "bcd"


def test_a_pin_brings_in_no_item_that_was_met_excluded_or_filtered_out(shop: Catalog, reader: EndUser) -> None:
    put(shop, Wanted(PIN, "e", place=1), Wanted(PIN, "f", place=2))
    make_interaction(reader, shop.items.get(external_id="e"))
    assert ids(listed(reader, exclude=["f"])) == "abcd"


def test_a_rule_holds_until_its_time_is_over(shop: Catalog, reader: EndUser) -> None:
    now = timezone.now()
    first, _ = put(
        shop, Wanted(OUT, "a", until=now + timedelta(minutes=1)), Wanted(OUT, "b", until=now + timedelta(minutes=9))
    )
    Rule.objects.filter(pk=first.pk).update(until=now - timedelta(minutes=1))  # its time is over before the next list
    assert ids(listed(reader)) == "acdef"


def test_a_rule_holds_from_its_time_on(shop: Catalog, reader: EndUser) -> None:
    now = timezone.now()
    (rule,) = put(shop, Wanted(OUT, "a", since=now + timedelta(minutes=1), until=now + timedelta(minutes=9)))
    assert ids(listed(reader)) == "abcdef"
    assert rules.holding(reader.catalog, catalog_index.index_of(shop), scenario="backbone").until == rule.since
    Rule.objects.filter(pk=rule.pk).update(since=now)
    rules.KEPT.clear()
    assert ids(listed(reader)) == "bcdef"
    assert rules.holding(reader.catalog, catalog_index.index_of(shop), scenario="backbone").until == rule.until


@pytest.mark.parametrize("minutes", [(1, 9), (-9, -1)])
def test_a_scenarios_own_rule_outweighs_that_for_all_only_while_it_holds(
    shop: Catalog, reader: EndUser, minutes: tuple[int, int]
) -> None:
    _, own = put(shop, Wanted(OUT, "a"), Wanted(PIN, "a", place=2, scenario="backbone"))
    assert ids(listed(reader)) == "bacdef"
    since, until = (timezone.now() + timedelta(minutes=each) for each in minutes)
    Rule.objects.filter(pk=own.pk).update(since=since, until=until)
    rules.KEPT.clear()
    assert ids(listed(reader)) == "bcdef"


def begin(*made: Rule) -> None:
    """So many minutes ago, the first longest, as if time had gone by since all were set."""
    Rule.objects.update(created_at=timezone.now() - timedelta(hours=1))
    for minutes, rule in enumerate(reversed(made), start=1):
        Rule.objects.filter(pk=rule.pk).update(since=timezone.now() - timedelta(minutes=minutes))
    rules.KEPT.clear()


def test_a_rule_waits_until_it_begins_and_the_one_before_goes_on_until_then(shop: Catalog, reader: EndUser) -> None:
    later = timezone.now() + timedelta(days=1)
    (now,) = put(shop, Wanted(OUT, "a"))
    (pin,) = put(shop, Wanted(PIN, "a", place=2, since=later, until=later + timedelta(days=7)))
    assert ids(listed(reader)) == "bcdef"
    assert [rule.replaced_at for rule in Rule.objects.with_successors().order_by("pk")] == [later, None]
    begin(pin)
    assert ids(listed(reader)) == "bacdef"
    Rule.objects.filter(pk=pin.pk).update(until=timezone.now())  # its week is over: the one before is over too
    rules.KEPT.clear()
    assert ids(listed(reader)) == "abcdef"
    assert rules.end(shop, now.pk, by=None) is None


def test_what_took_the_place_of_a_rule_may_go_and_the_rule_stays_ended(shop: Catalog, reader: EndUser) -> None:
    (now,) = put(shop, Wanted(OUT, "a"))
    (pin,) = put(shop, Wanted(PIN, "a", place=2, since=timezone.now() + timedelta(days=1)))
    begin(pin)
    assert rules.remove(shop, [pin.pk], by=None) == 1
    assert ids(listed(reader)) == "abcdef"
    now.refresh_from_db()
    assert now.until is not None


@pytest.mark.parametrize("how", ["removed", "ended"])
def test_an_upcoming_rule_that_never_begins_takes_no_ones_place(shop: Catalog, reader: EndUser, how: str) -> None:
    put(shop, Wanted(OUT, "a"))
    (pin,) = put(shop, Wanted(PIN, "a", place=2, since=timezone.now() + timedelta(seconds=1)))
    rules.remove(shop, [pin.pk], by=None) if how == "removed" else rules.end(shop, pin.pk, by=None)
    begin(pin)
    Rule.objects.filter(pk=pin.pk).update(until=timezone.now() - timedelta(minutes=9))
    assert ids(listed(reader)) == "bcdef"
    assert Rule.objects.with_successors().get(kind=OUT).replaced_at is None


def test_each_upcoming_rule_takes_the_place_of_the_one_before(shop: Catalog, reader: EndUser) -> None:
    at = timezone.now() + timedelta(days=1)
    put(shop, Wanted(BURY, "a"))
    first, second = put(shop, Wanted(PIN, "a", place=3, since=at), Wanted(OUT, "a", since=at + timedelta(days=1)))
    put(shop, Wanted(PIN, "a", place=5))  # at once: the plan stays
    assert ids(listed(reader)) == "bcdeaf"
    again = put(shop, Wanted(PIN, "a", place=4, since=at))  # the same moment: in its place
    assert not Rule.objects.filter(pk=first.pk).exists()
    begin(*again)
    assert ids(listed(reader)) == "bcdaef"
    begin(*again, second)
    assert ids(listed(reader)) == "bcdef"


def test_a_rule_that_would_end_before_it_begins_is_refused(shop: Catalog) -> None:
    at = timezone.now() + timedelta(days=1)
    with pytest.raises(rules.EndedError) as refused:
        put(shop, Wanted(OUT, "a", since=at, until=at + timedelta(days=1)), Wanted(OUT, "b", since=at, until=at))
    assert refused.value.places == [1]
    assert not Rule.objects.exists()


def test_a_rule_is_ended_once_and_kept_as_one_that_has_ended(shop: Catalog, reader: EndUser) -> None:
    (rule,) = put(shop, Wanted(OUT, "a"))
    assert ids(listed(reader, limit=1)) == "b"
    ended = rules.end(shop, rule.pk, by=make_account("keeper"))
    assert ended is not None
    assert ended.until is None
    assert ids(listed(reader, limit=1)) == "a"
    assert rules.end(shop, rule.pk, by=None) is None
    assert rules.end(make_catalog("other"), rule.pk, by=None) is None
    entry = AuditEntry.objects.filter(event="rules_changed").latest("pk")
    assert (entry.details, entry.about, entry.name) == ("1 ended", "shop", "keeper")
    assert Rule.objects.get().until is not None


def test_the_next_list_knows_of_every_change_and_an_unchanged_one_costs_no_query(
    shop: Catalog, reader: EndUser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    (rule,) = put(shop, Wanted(OUT, "a"))
    assert ids(listed(reader, limit=1)) == "b"
    put(shop, Wanted(PIN, "a", place=1))
    assert ids(listed(reader, limit=1)) == "a"
    assert Rule.objects.get().kind == PIN
    assert rules.remove(shop, [rule.pk, Rule.objects.get().pk], by=None) == 1
    put(shop, Wanted(OUT, "a"))
    listed(reader)
    with django_assert_num_queries(0):
        rules.holding(reader.catalog, catalog_index.index_of(reader.catalog), scenario="backbone")


def test_an_item_that_came_after_the_index_was_read_does_no_harm(shop: Catalog, reader: EndUser) -> None:
    listed(reader)
    make_item(shop, external_id="new")
    put(shop, Wanted(PIN, "new", place=1))
    assert ids(listed(reader)) == "abcdef"


def test_what_is_measured_knows_no_rules(shop: Catalog, reader: EndUser) -> None:
    put(shop, Wanted(OUT, "a"))
    reader.catalog.refresh_from_db()
    assert request_for(reader, limit=1).listable.all()


def test_unknown_items_are_told_and_the_others_set(shop: Catalog) -> None:
    made, refused = rules.put(shop, [Wanted(OUT, "nothing"), Wanted(OUT, "a"), Wanted(OUT, "\x00")], by=make_account())
    assert [rule.item.external_id for rule in made] == ["a"]
    assert refused == [0, 2]
    assert AuditEntry.objects.get(event="rules_changed").details == "1 set"


def test_rules_are_set_listed_and_removed_by_command(shop: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("serve_rules", "shop", "--pin", "e", "--at", "2", "--note", "Launch", "--scenario", "backbone")
    call_command("serve_rules", "shop", "--out-of-stock", "a", "b")
    call_command("serve_rules", "shop")
    shown = capsys.readouterr().out
    pin = Rule.objects.get(kind=PIN)
    assert f"{pin.pk}: pin at 2 e “Film e”, scenario backbone: Launch" in shown
    call_command("serve_rules", "shop", "--remove", str(pin.pk))
    assert "1 removed" in capsys.readouterr().out
    assert set(Rule.objects.values_list("item__external_id", flat=True)) == {"a", "b"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nowhere"], "There is no catalog 'nowhere'"),
        (["shop", "--pin", "a"], "--pin needs --at"),
        (["shop", "--bury", "a", "--at", "2"], "--at is for --pin"),
        (["shop", "--bury", "zz"], "no item of these ids: zz"),
        (["shop", "--remove", "999999"], "no such rule"),
        (["shop", "--pin", "a", "--at", "0"], "from 1 to 100"),
    ],
)
def test_the_command_says_what_is_wrong(shop: Catalog, options: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("serve_rules", *options)
