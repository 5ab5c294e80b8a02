"""The pages of business rules: what PMs read, what leads set, end and take back, and what a list makes of it."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from recommender.accounts.people import change_catalogs
from recommender.models import Account, AuditEntry, Catalog, Role, Rule, RuleKind
from recommender.serving import catalog_index, rules
from recommender.serving.recommend import recommend
from recommender.serving.rules import Wanted
from recommender.serving.wish import Wish
from tests.architecture.words import expert_words
from tests.builders import make_account, make_catalog, make_end_user, make_interaction, make_item
from tests.reviews.conftest import SignIn

pytestmark = pytest.mark.django_db
FORM = {
    "catalog": "shop",
    "item": "b",
    "kind": "pin",
    "place": "1",
    "scenario": "",
    "since": "",
    "until": "",
    "note": "",
}


@pytest.fixture
def shop() -> Catalog:
    """Items a to c, the most popular first."""
    for kept in (catalog_index.KEPT, rules.KEPT):
        kept.clear()
    catalog = make_catalog("shop")
    for number, (name, title) in enumerate((("a", "Harbour Lights"), ("b", "Night Harbour"), ("c", "Über den Wolken"))):
        item = make_item(catalog, title, external_id=name)
        for _ in range(4 - number):
            make_interaction(make_end_user(catalog), item)
    return catalog


@pytest.fixture
def pm(pam: Account, browser_of: SignIn) -> Client:
    return browser_of(pam)


@pytest.fixture
def lead(lena: Account, browser_of: SignIn) -> Client:
    return browser_of(lena)


def read(client: Client, path: str) -> str:
    return words(client.get(path))


def words(response: Any, *, status: int = 200) -> str:
    assert response.status_code == status
    page = str(response.content.decode())
    assert expert_words(page) == []
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def listed(shop: Catalog) -> str:
    shop.refresh_from_db()
    served = recommend(make_end_user(shop), limit=3, wish=Wish(""), keep=False)
    return "".join(item.item_id for item in served.items)


def test_without_rules_the_page_says_what_they_do(pm: Client, lead: Client, shop: Catalog) -> None:
    shown = read(pm, "/rules/")
    assert "No rules yet" in shown
    assert all(name in shown for name in ("Pin", "Bury", "Out of stock", "A lead sets them here"))
    assert "Set the first one" not in shown
    assert "Set the first one" in read(lead, "/rules/")


def test_a_lead_pins_what_the_next_list_obeys_and_a_pm_reads_it(pm: Client, lead: Client, shop: Catalog) -> None:
    assert listed(shop) == "abc"
    said = words(lead.post("/rules/set/", FORM | {"note": "Launch week"}, follow=True))
    assert "Set: “Night Harbour” stands at place 1." in said
    assert listed(shop) == "bac"
    shown = read(pm, "/rules/")
    assert re.search(r"Night Harbour b, shop Launch week Pinned at 1 All lists .* – lena,", shown)
    assert "End now" not in shown
    assert pm.get("/rules/set/").status_code == pm.post("/rules/set/", FORM).status_code == 403
    assert pm.post(f"/rules/{Rule.objects.get().pk}/end/").status_code == 403
    entry = AuditEntry.objects.get(event="rules_changed")
    assert (entry.about, entry.details, entry.name) == ("shop", "1 set", "lena")


def test_a_rule_is_ended_now_and_that_is_undone(lead: Client, shop: Catalog) -> None:
    until = timezone.now() + timedelta(days=3)
    ((rule,), _) = rules.put(shop, [Wanted(RuleKind.OUT_OF_STOCK, "a", note="Till Monday", until=until)], by=None)
    assert listed(shop) == "bc"
    answer: Any = lead.post(f"/rules/{rule.pk}/end/", {"state": "now"}, follow=True)
    assert "Ended: Harbour Lights , out of stock." in words(answer)
    assert listed(shop) == "abc"
    assert "Till Monday" in read(lead, "/rules/?state=ended")
    assert "Till Monday" not in read(lead, "/rules/")
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.content.decode()))
    words(lead.post("/rules/set/", again, follow=True))
    assert listed(shop) == "bc"
    set_again = Rule.objects.get()
    assert (set_again.kind, set_again.note, set_again.until, set_again.account) == (
        "out_of_stock", "Till Monday", until, Account.objects.get(username="lena"),
    )  # fmt: skip
    details = AuditEntry.objects.filter(event="rules_changed").order_by("pk").values_list("details", flat=True)
    assert list(details) == ["1 set", "1 ended", "1 set"]


def test_what_has_ended_is_not_ended_again(lead: Client, shop: Catalog) -> None:
    ((rule,), _) = rules.put(shop, [Wanted(RuleKind.BURY, "a")], by=None)
    rules.end(shop, rule.pk, by=None)
    before = Rule.objects.get().until
    assert "It had ended already" in words(lead.post(f"/rules/{rule.pk}/end/", follow=True))
    assert Rule.objects.get().until == before


def test_rules_stand_under_what_they_are_now(pm: Client, shop: Catalog) -> None:
    now = timezone.now()
    wanted = [
        Wanted(RuleKind.PIN, "a", place=2),
        Wanted(RuleKind.BURY, "b", since=now + timedelta(days=1), scenario="thinkrec"),
        Wanted(RuleKind.OUT_OF_STOCK, "c"),
    ]
    made, _ = rules.put(shop, wanted, by=None)
    rules.end(shop, made[2].pk, by=None)
    for state, title in (("now", "Harbour Lights"), ("later", "Night Harbour"), ("ended", "Über den Wolken")):
        shown = read(pm, f"/rules/?state={state}&catalog=shop")
        assert [name for name in ("Harbour Lights", "Night Harbour", "Über den Wolken") if name in shown] == [title]
        assert "Now 1 Upcoming 1 Ended 1" in shown
    assert "Lists that an AI scored" in read(pm, "/rules/?state=later")
    assert "the command line" in read(pm, "/rules/?state=nonsense")


@pytest.mark.parametrize(
    ("typed", "item"),
    [("b", "b"), ("night harbour", "b"), ("über", "c"), ("Harbour Lights", "a"), (" c ", "c")],
)
def test_an_item_is_found_by_its_id_or_title(lead: Client, shop: Catalog, typed: str, item: str) -> None:
    words(lead.post("/rules/set/", FORM | {"item": typed, "kind": "bury"}, follow=True))
    assert Rule.objects.get().item.external_id == item


def test_where_several_items_may_be_meant_one_is_chosen(lead: Client, shop: Catalog) -> None:
    asked: Any = lead.post("/rules/set/", FORM | {"item": "harbour"})
    assert "Which of these is it?" in words(asked, status=422)
    assert asked.content.count(b'name="item_id"') == 2
    assert not Rule.objects.exists()
    assert lead.post("/rules/set/", FORM | {"item": "harbour", "item_id": "c"}).status_code == 422  # not of these
    assert lead.post("/rules/set/", FORM | {"item": "harbour", "item_id": "b"}).status_code == 302
    assert Rule.objects.get().item.external_id == "b"


def test_items_are_looked_for_without_and_with_javascript(lead: Client, shop: Catalog) -> None:
    found = words(lead.post("/rules/set/", FORM | {"item": "harbour", "find": "yes"}))
    assert "Harbour Lights" in found
    assert "Night Harbour" in found
    assert "A pin needs" not in words(lead.post("/rules/set/", FORM | {"place": "", "find": "yes"}))
    fragment: Any = lead.get("/rules/items/", {"catalog": "shop", "item": "harbour"})
    assert "Night Harbour" in words(fragment)
    assert b"<html" not in fragment.content
    assert "No item has this" in read(lead, "/rules/items/?catalog=shop&item=zzz")
    assert "No item has this" in words(lead.post("/rules/set/", FORM | {"item": "zzz", "find": "yes"}))
    assert words(lead.get("/rules/items/?catalog=nowhere&item=b")).strip() == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"place": ""}, "A pin needs its place, from 1."),
        ({"place": "101"}, "less than or equal to 100"),
        ({"item": "zzz"}, "No item has this title or id."),
        ({"until": "2020-01-01T00:00"}, "A rule ends after now, and after it begins."),
        ({"since": "2999-01-02T00:00", "until": "2999-01-01T00:00"}, "A rule ends after now, and after it begins."),
        ({"since": "soon"}, "Enter a valid date/time."),
        ({"catalog": "nowhere"}, "Select a valid choice"),
        ({"kind": "sell"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_set(
    lead: Client, shop: Catalog, wrong: dict[str, str], said: str
) -> None:
    assert said in words(lead.post("/rules/set/", FORM | wrong), status=422)
    assert not Rule.objects.exists()


def test_a_rule_that_begins_later_waits_beside_the_one_that_goes_on(lead: Client, shop: Catalog) -> None:
    said = words(lead.post("/rules/set/", FORM | {"kind": "bury"}, follow=True))
    assert "place of an earlier rule" not in said
    said = words(lead.post("/rules/set/", FORM | {"since": "2999-01-02T10:30"}, follow=True))
    assert "It begins on 2 Jan 2999, 10:30 UTC. Until then the rule before it goes on: it goes to the end." in said
    assert "Pinned at 1" in said
    assert "Now 1 Upcoming 1 Ended 0" in said
    assert listed(shop) == "acb"
    assert "2 Jan 2999, 10:30 then another rule" in read(lead, "/rules/")
    said = words(lead.post("/rules/set/", FORM | {"kind": "out_of_stock"}, follow=True))
    assert "It took the place of an earlier rule." in said
    assert Rule.objects.get(since=None).place is None  # the place that is hidden counts not
    Rule.objects.exclude(since=None).update(since=timezone.now())
    rules.KEPT.clear()
    assert listed(shop) == "bac"
    assert "Now 1 Upcoming 0 Ended 1" in read(lead, "/rules/?state=ended")


def test_another_catalogs_rules_and_items_are_not_there(lead: Client, lena: Account, shop: Catalog) -> None:
    ((rule,), _) = rules.put(shop, [Wanted(RuleKind.BURY, "b")], by=None)
    make_catalog("mine")
    make_account("another", role=Role.LEAD)
    change_catalogs(lena, Catalog.objects.filter(name="mine"))
    assert "Night Harbour" not in read(lead, "/rules/")
    assert "Night Harbour" not in read(lead, "/rules/items/?catalog=shop&item=night")
    assert lead.post(f"/rules/{rule.pk}/end/").status_code == 404
    rules.end(shop, rule.pk, by=None)
    assert "Night Harbour" not in read(lead, f"/rules/?ended={rule.pk}")
    assert lead.post("/rules/set/", FORM).status_code == 422


@pytest.mark.parametrize("count", [1, 60])
def test_the_page_asks_eight_questions(
    pm: Client, shop: Catalog, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    names = [make_item(shop).external_id for _ in range(count)]
    rules.put(shop, [Wanted(RuleKind.BURY, name) for name in names], by=None)
    with django_assert_num_queries(8):
        pm.get("/rules/?catalog=shop")
