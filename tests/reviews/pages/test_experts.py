"""The pages of groups: what each likes more, where a user stands, and making new ones."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from benchmarks.likes_alone import forget_dislikes
from recommender.models import Account, Catalog, Grouping, RunState, ScoringRun
from recommender.runs import leases, service
from recommender.runs.kinds import GROUPING
from recommender.thinkrec.experts import grouped
from recommender.thinkrec.experts.acting import Acting
from recommender.thinkrec.experts.config import GroupingConfig
from recommender.thinkrec.experts.grouped import Found
from recommender.thinkrec.experts.lists import Placed
from recommender.thinkrec.scoring.lists import ScoredItem, store
from reviews.pages.experts.queries import moved
from tests.architecture.words import expert_words
from tests.builders import make_catalog, make_end_user
from tests.carried_out import carried_out
from tests.recommender.promotion.versions import make_version
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
    assert "No AI that is tuned for groups has scored their list by each group apart." in shown
    for name, weight in zip(found.names, choice.weights, strict=True):
        assert f"{name} {100 * weight:.0f} %" in shown
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

    assert "No new groups could be made. The earlier ones stay." in shown
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
    forget_dislikes()
    assert "Everything that is known in films is liked" in lead.post(START, {"catalog": "films"}).content.decode()
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
    told = [moved(Placed(1, rank, before), "their own order") for rank, before in ((3, 3), (1, 4), (9, 2), (1, 1200))]

    assert told == ["the same place", "up 3", "down 7", "new here, 1,200 in their own order"]


def scored(catalog: Catalog, run: Grouping | None, *, by_adapter: bool = True) -> list[str]:
    """Let u003 have a list that a model tuned for three groups scored; returns its titles as they are served."""
    items = list(catalog.items.order_by("pk"))[:12]
    rows = [  # for everybody the first is best, for group 2 the last; the others think as everybody does
        ScoredItem(item.external_id, 1.0, 1.0, 0.9 - n / 20, by_adapter=[-n, -n, n, -n] if by_adapter else [])
        for n, item in enumerate(items)
    ]
    served = [rows[1], rows[0], *rows[2:]]
    person = catalog.end_users.select_related("catalog").get(external_id="u003")
    names = ("films-thinkrec-1", *(f"films-thinkrec-1-group-{n}" for n in (1, 2, 3)))
    acting = Acting(names, "fused", (0.5, 0.2, 0.3), run.pk if run else None)
    store(
        ScoringRun.objects.create(catalog=catalog, config={}), person, served, backbone=make_version(catalog),
        model=f"films-thinkrec-1{acting.label}", prompt=("score/v1", "0" * 64), history=[("i000", True, 1)],
        knowledge=None, with_preference=False, experts=acting,
    )  # fmt: skip
    titles = dict(catalog.items.values_list("external_id", "title"))
    return [titles[one.item_id] for one in served]


def test_where_tuned_experts_scored_a_list_the_page_shows_what_each_changes_in_it(pm: Client, run: Grouping) -> None:
    served = scored(run.catalog, run)
    carried_out(service.request(GROUPING, queue=False, catalog=run.catalog, config=QUICK.to_json()))  # newer groups
    found = Found.from_json(run.found)
    whole = text(read(pm, "/experts/films/users/u003/"))
    assert "the AI scored 12 movies for them" in whole
    assert "No AI that is tuned" not in whole
    assert f"Several groups answer together: “{found.names[0]}” 50 %, “{found.names[2]}” 30 %" in whole
    assert "films-thinkrec-1: group-1 50%, group-3 30%, group-2 20%" in whole
    assert "By the AI that all users share As the groups weigh" in whole
    assert f"1 {served[1]} {served[0]} up 1 2 {served[0]} {served[1]} down 1 3 {served[2]} {served[2]}" in whole
    second = text(read(pm, "/experts/films/users/u003/?group=2"))
    assert f"1 {served[1]} {served[11]} new here, 12 in the order of the AI that all users share" in second
    assert "As it is tuned for the group" in second
    third = text(read(pm, "/experts/films/users/u003/?group=3"))
    assert third.count("the same place") == 10
    assert f"{found.names[1]} 20 % 2 of 10" in whole


def test_a_list_that_no_expert_scored_apart_or_whose_groups_are_gone_leaves_the_comparison_of_tastes(
    pm: Client, run: Grouping, films: Catalog
) -> None:
    scored(films, run, by_adapter=False)
    assert "No AI that is tuned for groups has scored their list" in read(pm, "/experts/films/users/u003/")
    scored(films, None)
    assert "No AI that is tuned for groups has scored their list" in read(pm, "/experts/films/users/u003/")
    scored(films, run)
    films.items.filter(external_id="i000").delete()
    assert "the AI scored 12 movies" in read(pm, "/experts/films/users/u003/")
    Grouping.objects.all().delete()
    assert "No groups yet" in read(pm, "/experts/films/users/u003/")
