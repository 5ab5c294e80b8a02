"""The pages of groups: what each likes more, where a user stands, and making new ones."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from recommender.models import Account, Catalog, Grouping, RunState
from recommender.runs import leases, service
from recommender.runs.kinds import GROUPING
from recommender.thinkrec.experts import grouped
from recommender.thinkrec.experts.config import GroupingConfig
from recommender.thinkrec.experts.grouped import Found
from recommender.thinkrec.experts.lists import Placed
from reviews.pages.experts.queries import moved
from tests.architecture.words import expert_words
from tests.builders import make_catalog, make_end_user
from tests.carried_out import carried_out
from tests.recommender.training import synthetic
from tests.reviews.conftest import SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PAGE, START = "/experts/", "/experts/start/"
QUICK = GroupingConfig(groups=3, settings={"epochs": 12, "width": 8, "learning_rate": 0.06})


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def pm(pam: Account, browser_of: SignIn) -> Client:
    return browser_of(pam)


@pytest.fixture
def lead(lena: Account, browser_of: SignIn) -> Client:
    return browser_of(lena)


@pytest.fixture
def films() -> Catalog:
    return synthetic.in_database("films")


@pytest.fixture
def run(films: Catalog) -> Grouping:
    return carried_out(service.request(GROUPING, queue=False, catalog=films, config=QUICK.to_json()))


def read(client: Client, path: str, *, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    html = str(response.content.decode())
    assert expert_words(html) == []
    return html


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_page_shows_each_group_with_its_users_and_its_figures(pm: Client, run: Grouping) -> None:
    found = Found.from_json(run.found)
    shown = read(pm, PAGE)

    assert f"films has {len(found.groups)} groups" in text(shown)
    for place, group in enumerate(found.groups):
        assert f"{group.name}" in text(shown)
        assert f"{group.size} users," in text(shown)
        member = grouped.load(run).members(place, 1)[0]
        assert f"/insights/films/users/{run.catalog.end_users.get(pk=member).external_id}/" in shown
        for trait in group.traits:
            assert f"{100 * trait.share:.1f} % {100 * trait.elsewhere:.1f} % {trait.likes} of {trait.of}" in text(shown)
    assert "Make new groups" not in shown


def test_a_whole_id_opens_the_user_and_another_one_is_not_found(pm: Client, run: Grouping) -> None:
    assert pm.get(PAGE, {"catalog": "films", "q": "u003"})["Location"] == "/experts/films/users/u003/"
    assert "No user of films has the id “&lt;b&gt;”" in read(pm, f"{PAGE}?catalog=films&q=<b>")
    assert pm.get(PAGE, {"catalog": "nowhere"}).status_code == 422


def test_a_user_s_page_says_the_weights_and_what_each_group_changes(pm: Client, run: Grouping) -> None:
    person = run.catalog.end_users.get(external_id="u003")
    arrays = grouped.load(run)
    row = arrays.row_of(person.pk)
    assert row is not None
    choice, found = arrays.choice(row), Found.from_json(run.found)
    shown = text(read(pm, "/experts/films/users/u003/"))

    assert f"They are in {found.names[arrays.of[row]]}" in shown
    assert choice.words(found.names) in shown
    assert "No model is tuned for a group yet" in shown
    for name, weight in zip(found.names, choice.weights, strict=True):
        assert f"{name} {weight:.0%}" in shown
    met = set(person.interactions.values_list("item__title", flat=True))
    for number in range(1, len(found.names) + 1):
        other = read(pm, f"/experts/films/users/u003/?group={number}")
        titles = re.findall(r'<strong dir="auto">(Film \d+)</strong>', other)
        assert len(titles) == 10
        assert not met & set(titles)
        assert f"Their list, and that of {found.names[number - 1]}" in text(other)
    for odd in ("0", "99", "x", "١", ""):
        read(pm, f"/experts/films/users/u003/?group={odd}")


def test_the_page_why_leads_to_the_groups_and_back(pm: Client, run: Grouping) -> None:
    assert "/experts/films/users/u003/" in pm.get("/insights/films/users/u003/").content.decode()
    assert "/insights/films/users/u003/" in read(pm, "/experts/films/users/u003/")


def test_who_came_later_is_in_no_group(pm: Client, run: Grouping) -> None:
    make_end_user(run.catalog, "late")

    assert "In no group" in read(pm, "/experts/films/users/late/")


def test_without_groups_a_pm_reads_who_can_make_them_and_a_lead_gets_a_button(
    pm: Client, lead: Client, films: Catalog
) -> None:
    assert "A lead can make them" in read(pm, PAGE)
    assert "<button" in read(lead, PAGE).partition("No groups yet")[2]
    assert "No groups yet" in read(pm, "/experts/films/users/u003/")


def test_without_a_catalog_the_page_says_how_to_get_one(pm: Client, lead: Client) -> None:
    assert "import_catalog" in read(pm, PAGE)
    assert "import_catalog" in read(lead, START)


def test_a_lead_starts_a_run_sees_how_far_it_is_and_cancels_it(lead: Client, films: Catalog, broker: str) -> None:
    assert lead.post(START, {"catalog": "films", "groups": "4"})["Location"] == "/experts/?catalog=films"
    run = Grouping.objects.get()
    assert run.config["groups"] == 4
    taken = leases.claim(GROUPING, run.pk)
    assert taken is not None
    leases.renew(taken, {"stage": "fitting", "done": 3, "of": 500, "left": 400})
    shown = text(read(lead, PAGE))
    assert "Learning who likes the same 3 of at most 500, at most 7 min left" in shown
    assert "No groups yet" not in shown

    fragment = lead.get(f"/experts/{run.pk}/progress/", headers={"HX-Request": "true"})
    assert "HX-Refresh" not in fragment
    lead.post(f"/experts/{run.pk}/cancel/")
    ended = lead.get(f"/experts/{run.pk}/progress/", headers={"HX-Request": "true"})
    assert ended["HX-Refresh"] == "true"
    assert "was cancelled" in read(lead, PAGE)
    lead.post(f"/experts/{run.pk}/cancel/")
    assert "had ended before" in read(lead, PAGE)


def test_a_run_that_fails_says_why_and_the_earlier_groups_stay(lead: Client, run: Grouping) -> None:
    config = GroupingConfig(groups=3, settings={"width": 0}).to_json()
    carried_out(service.request(GROUPING, queue=False, catalog=run.catalog, config=config))
    shown = text(read(lead, PAGE))

    assert "No groups could be made" in shown
    assert "width must be" in shown
    assert "films has 3 groups" in shown


def test_the_form_refuses_beside_the_field(lead: Client, films: Catalog) -> None:
    for sent, said in (
        ({"catalog": "films", "groups": "11"}, "Number of groups must be a whole number from 1 to 10"),
        ({"catalog": "nowhere"}, "Select a valid choice"),
    ):
        response = lead.post(START, sent)
        assert response.status_code == 422
        assert said in response.content.decode()
    Catalog.objects.update(clock="none")
    assert "without an order" in lead.post(START, {"catalog": "films"}).content.decode()
    assert not Grouping.objects.exists()


def test_a_missing_file_is_said_with_what_to_do(pm: Client, run: Grouping) -> None:
    grouped.path_of(run).unlink()

    for path in (PAGE, "/experts/films/users/u003/"):
        assert "The file of these groups is missing. Make the groups again." in read(pm, path)


def test_one_group_is_told_as_one(pm: Client) -> None:
    catalog = synthetic.in_database("books", end_users=12)
    config = GroupingConfig(settings={"epochs": 2, "width": 4}).to_json()
    assert carried_out(service.request(GROUPING, queue=False, catalog=catalog, config=config)).state == RunState.DONE

    shown = text(read(pm, PAGE))
    assert "books has one group of 12 users: no smaller ones stand out." in shown
    assert "Everybody is in it" in shown
    assert "No group stands out for this user" in text(read(pm, "/experts/books/users/u003/"))


def test_another_catalog_s_groups_are_not_shown(pm: Client, run: Grouping) -> None:
    make_catalog("books")

    assert "No groups yet" in read(pm, f"{PAGE}?catalog=books")


def test_the_page_asks_the_same_number_of_questions_however_many_groups_there_are(
    pm: Client, run: Grouping, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(9):
        pm.get(f"{PAGE}?catalog=films")


def test_ranks_move_in_words() -> None:
    told = [moved(Placed(1, rank, before)) for rank, before in ((3, 3), (1, 4), (9, 2), (1, 1200))]

    assert told == ["the same place", "up 3", "down 7", "new here, 1,200 in their own order"]
