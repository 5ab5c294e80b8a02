"""What end users say of themselves over REST: it acts with the next request, and everything says who said it."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.experiments import service as experiments
from recommender.models import AuditEntry, AuditEvent, Catalog, EndUser, Role, Statement, TokenScope
from recommender.serving.variants import Variant
from recommender.statements.aspects import KEPT
from tests.builders import make_account, make_catalog, make_end_user, make_interaction, make_item
from tests.recommender.training import synthetic

GENRES = ("Drama", "Horror", "Comedy", "Musical", "Western", "Documentary")
HERE = "/api/v1/catalogs/films/users/u1/statements"
pytestmark = pytest.mark.django_db


@pytest.fixture
def films() -> Catalog:
    """Four films of each genre, from 1961 on. u1 liked two dramas and a horror film; a text of a model is approved."""
    KEPT.drop(lambda _: True)
    catalog = make_catalog("films")
    items = {
        genre: [
            make_item(catalog, f"{genre} {n} ({1950 + 10 * n})", external_id=f"{genre.lower()}-{n}", genres=[genre])
            for n in range(1, 5)
        ]
        for genre in GENRES
    }
    reader, crowd = make_end_user(catalog, "u1"), make_end_user(catalog, "crowd")
    for moment, item in enumerate([*items["Drama"][:2], items["Horror"][0]], start=1):
        make_interaction(reader, item, moment=moment)
    for moment, item in enumerate((one for each in items.values() for one in each), start=1):
        make_interaction(crowd, item, moment=moment)
    return catalog


@pytest.fixture
def reader(films: Catalog) -> EndUser:
    return EndUser.objects.select_related("catalog").get(external_id="u1")


@pytest.fixture
def text(reader: EndUser) -> Any:
    return synthetic.approve(reader, "They love horror films. They dislike comedies.")


@pytest.fixture
def api(films: Catalog) -> APIClient:
    scopes = [TokenScope.STATEMENTS_WRITE, TokenScope.RECOMMENDATIONS_READ, TokenScope.EXPLANATIONS_READ]
    scopes.append(TokenScope.PEOPLE_MANAGE)
    client = APIClient()
    key = create_token("shop", account=make_account("keeper", role=Role.LEAD), scopes=scopes)[1]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


def said(api: APIClient, status: int = 201, **body: Any) -> dict[str, Any]:
    answer = api.post(HERE, body, format="json")
    assert answer.status_code == status, answer.json()
    return dict(answer.json())


def listed(api: APIClient, **query: str) -> list[dict[str, Any]]:
    answer = api.get(HERE, query)
    assert answer.status_code == 200, answer.json()
    return list(answer.json()["statements"])


def recommended(api: APIClient, **asked: Any) -> dict[str, Any]:
    body = {"limit": 30, "explain": "full", "min_review": "any"} | asked
    answer = api.post("/api/v1/catalogs/films/users/u1/recommendations", body, format="json")
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


def genres(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"].partition("-")[0] for item in answer["items"]]


def moved_by(answer: dict[str, Any], genre: str) -> list[tuple[str, str, str]]:
    reasons = [r for item in answer["items"] if item["item_id"].startswith(genre) for r in item["reasons"]]
    return sorted({(r["kind"], r["aspect"], r["polarity"]) for r in reasons if "polarity" in r})


def of(statements: list[dict[str, Any]], about: str, by: str) -> dict[str, Any]:
    (found,) = [one for one in statements if (one["about"], one["said_by"]) == (about, by)]
    return found


def test_what_is_said_acts_at_the_next_request_and_stands_beside_what_the_text_says(api: APIClient, text: Any) -> None:
    before = recommended(api)
    assert genres(before)[0] == "horror"
    assert moved_by(before, "horror") == [("statement", "Horror", "likes")]

    answer = said(api, text="No more horror, please. I adore westerns. The weather is nice today.")
    assert [(one["aspect"], one["polarity"], one["meets"]) for one in answer["understood"]] == [
        ("Horror", "dislikes", 4),
        ("Western", "likes", 4),
    ]
    assert answer["not_understood"] == ["The weather is nice today."]
    quotes = {one["quote"] for one in answer["statements"]}
    assert quotes == set(Statement.objects.filter(turn=None).values_list("quote", flat=True))
    assert quotes == {"No more horror, please.", "I adore westerns."}  # of what was not understood nothing is kept

    after = recommended(api)
    assert genres(after)[:4] == ["western"] * 4
    assert "horror" not in genres(after)
    assert moved_by(after, "western") == [("own_statement", "Western", "likes")]
    replay = api.get(f"/api/v1/recommendations/{after['recommendation_id']}").json()
    assert [item["reasons"] for item in replay["items"]] == [item["reasons"] for item in after["items"]]

    now = listed(api)
    own, of_text = of(now, "Horror", "end_user"), of(now, "Horror", "model")
    assert (own["status"], own["acts"], own["acts_since"] is not None, own["explanation_id"]) == (
        "standing",
        True,
        True,
        None,
    )
    assert (own["standing"], own["liked"], own["ratings"]) == ("unsupported", 1, 1)
    assert own["aspect"] == [{"kind": "attribute", "name": "genres", "value": "Horror"}]
    assert own["quote"].startswith("No more horror")
    assert (of_text["status"], of_text["acts"], of_text["acts_since"]) == ("overruled", False, None)
    assert of(now, "Comedy", "model")["acts"]


def test_what_keeps_items_off_the_list_is_named_whoever_said_it(api: APIClient, text: Any) -> None:
    """Of "no more horror" no item of the list can tell."""
    before = recommended(api, limit=4)
    assert genres(before).count("horror") == 3
    said(api, text="No more horror, please.")
    (own,) = listed(api)[:1]
    after = recommended(api, limit=4)
    (kept,) = [one for one in after["kept_away"] if one["said_in"] == "end_user"]
    assert (kept["statement_id"], kept["aspect"], kept["quote"]) == (own["statement_id"], "Horror", own["quote"])
    assert kept["items"] >= 1
    assert "horror" not in genres(after)
    replay = api.get(f"/api/v1/recommendations/{after['recommendation_id']}").json()
    assert replay["kept_away"] == after["kept_away"]
    assert recommended(api, limit=4, explain="none")["kept_away"] == []


def test_what_a_request_says_keeps_items_off_its_list_too(api: APIClient) -> None:
    here = "/api/v1/catalogs/films/recommendations"
    said_now = api.post(here, {"text": "I hate dramas.", "limit": 5, "explain": "short"}, format="json").json()
    assert "drama" not in genres(said_now)
    (kept,) = said_now["kept_away"]
    assert (kept["said_in"], kept["statement_id"], kept["aspect"]) == ("request", None, "Drama")
    assert kept["items"] >= 1


def test_what_is_not_understood_is_an_answer_and_nothing_is_stored(api: APIClient) -> None:
    answer = said(api, 422, text="The weather is nice today. Hello!")
    assert answer["type"] == "urn:r4web:problem:not-understood"
    assert answer["not_understood"] == ["The weather is nice today.", "Hello!"]
    assert said(api, 200, text="I hate musicals.", store=False)["understood"][0]["aspect"] == "Musical"
    assert not Statement.objects.exists()


def test_what_is_about_no_item_yet_is_kept_and_said(api: APIClient) -> None:
    answer = said(api, text="No more gore, please.")
    assert [one["code"] for one in answer["notices"]] == ["meets_nothing"]
    assert [(one["about"], one["meets"]) for one in answer["statements"]] == [("“gore”", 0)]


@pytest.mark.parametrize(
    ("words", "about", "polarity"),
    [
        ("Ich mag keine Musicals mehr.", "Musical", "dislikes"),
        ("Bitte keine Dokumentarfilme.", "Documentary", "dislikes"),
        ("No me gustan los musicales.", "Musical", "dislikes"),
        ("Me encantan las comedias.", "Comedy", "likes"),
        ("I can't stand musicals any more", "Musical", "dislikes"),
    ],
)
def test_real_prose_of_three_languages(api: APIClient, words: str, about: str, polarity: str) -> None:
    assert [(one["about"], one["polarity"]) for one in said(api, text=words)["statements"]] == [(about, polarity)]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "body"),
        ({"text": "  "}, "body"),
        ({"text": "No horror.", "polarity": "likes"}, "body"),
        ({"aspect": [{"kind": "attribute", "name": "genre", "value": "Horror"}], "polarity": "likes"}, "aspect[0]"),
        ({"aspect": [{"kind": "attribute", "name": "genres", "value": "Horor"}], "polarity": "likes"}, "aspect[0]"),
        ({"aspect": [{"kind": "period", "value": "1980-1970"}], "polarity": "likes"}, "aspect[0]"),
        ({"aspect": [{"kind": "title", "value": "nothing"}], "polarity": "likes"}, "aspect[0]"),
        ({"aspect": [], "polarity": "likes"}, "aspect"),
        ({"text": "No horror.", "stoer": True}, "stoer"),
    ],
)
def test_what_cannot_be_is_named(api: APIClient, body: dict[str, Any], named: str) -> None:
    answer = api.post(HERE, body, format="json")
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [named]


def test_an_aspect_is_said_in_the_catalogs_terms(api: APIClient) -> None:
    aspect = [{"kind": "attribute", "name": "genres", "value": "horror"}, {"kind": "period", "value": "1960-1979"}]
    (made,) = said(api, aspect=aspect, polarity="dislikes")["statements"]
    assert (made["about"], made["said_by"], made["quote"]) == ("Horror, 1960–1979", "end_user", "")
    assert [one["statement_id"] for one in said(api, aspect=aspect, polarity="dislikes")["statements"]] == [
        made["statement_id"]
    ]
    left = [item["item_id"] for item in recommended(api)["items"] if item["item_id"].startswith("horror")]
    assert sorted(left) == ["horror-3", "horror-4"]


def test_a_statement_of_the_text_is_struck_and_put_back(api: APIClient, text: Any) -> None:
    found = of(listed(api), "Horror", "model")
    here = f"{HERE}/{found['statement_id']}"
    denial = api.delete(here).json()
    assert (denial["negated"], denial["said_by"], denial["about"]) == (True, "end_user", "Horror")
    assert api.delete(here).json()["statement_id"] == denial["statement_id"]  # again changes nothing
    assert moved_by(recommended(api), "horror") == []
    assert Statement.objects.get(pk=found["statement_id"]).ended_at is None  # the text stays as it was

    assert api.post(f"{here}:restore").json()["acts"]
    assert moved_by(recommended(api), "horror") == [("statement", "Horror", "likes")]
    events = AuditEntry.objects.filter(event=AuditEvent.STATEMENT_SAID)
    assert [one.details for one in events.order_by("pk")] == [
        f"Statement {denial['statement_id']}: denies statement {found['statement_id']}",
        f"Statement {found['statement_id']}: put back",
    ]
    assert "u1" not in "".join(f"{one.about}{one.details}" for one in events)


def test_a_denial_outlasts_the_text(api: APIClient, reader: EndUser, text: Any) -> None:
    api.delete(f"{HERE}/{of(listed(api), 'Horror', 'model')['statement_id']}")
    synthetic.approve(reader, "They love horror films. They love westerns.", as_of=10**9)
    assert moved_by(recommended(api), "horror") == []
    assert moved_by(recommended(api), "western") == [("statement", "Western", "likes")]


def test_corrections_have_ids_of_their_own_and_two_at_once_do_not_both_count(api: APIClient, text: Any) -> None:
    found = of(listed(api), "Horror", "model")
    first = api.patch(f"{HERE}/{found['statement_id']}", {"polarity": "dislikes"}, format="json").json()
    assert (first["polarity"], first["said_by"], first["acts"]) == ("dislikes", "end_user", True)
    here = f"{HERE}/{first['statement_id']}"
    etag = api.get(here, headers={"Accept-Encoding": "gzip"})["ETag"]
    assert etag.startswith("W/")  # as every client gets it that takes packed answers
    assert api.get(here)["ETag"] == etag.removeprefix("W/")
    musical = {"aspect": [{"kind": "attribute", "name": "genres", "value": "Musical"}]}
    second = api.patch(here, musical, format="json", headers={"If-Match": etag})
    assert second.status_code == 200
    assert (second.json()["about"], second.json()["replaces"]) == ("Musical", first["statement_id"])
    stale = api.patch(here, {"polarity": "likes"}, format="json", headers={"If-Match": etag})
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:r4web:problem:precondition-failed")
    late = api.patch(here, {"polarity": "likes"}, format="json")
    assert (late.status_code, late.json()["type"]) == (409, "urn:r4web:problem:statement-changed")
    assert api.get(here).json()["status"] == "replaced"
    assert moved_by(recommended(api), "horror") == [
        ("statement", "Horror", "likes")
    ]  # what they said is of musicals now


def test_a_correction_does_not_carry_the_words_that_said_otherwise(api: APIClient) -> None:
    (made,) = said(api, text="I love westerns.")["statements"]
    corrected = api.patch(f"{HERE}/{made['statement_id']}", {"polarity": "dislikes"}, format="json").json()
    assert (corrected["about"], corrected["polarity"], corrected["quote"]) == ("Western", "dislikes", "")
    before = api.get(f"{HERE}/{made['statement_id']}").json()
    assert (before["status"], before["quote"]) == ("replaced", "I love westerns.")


def test_what_they_struck_of_their_own_comes_back_unless_another_took_its_place(api: APIClient) -> None:
    (made,) = said(api, text="I hate westerns.")["statements"]
    here = f"{HERE}/{made['statement_id']}"
    assert api.delete(here).json()["status"] == "struck"
    assert "western" in genres(recommended(api))
    assert api.post(f"{here}:restore").json()["acts"]
    assert "western" not in genres(recommended(api))
    api.delete(here)
    said(api, text="I love westerns.")
    refused = api.post(f"{here}:restore")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:r4web:problem:statement-changed")


def test_not_for_me_strikes_what_raised_it_or_says_what_they_dislike(api: APIClient, text: Any) -> None:
    answer = recommended(api)
    here = f"/api/v1/recommendations/{answer['recommendation_id']}/not-for-me"

    def pressed(status: int = 201, **body: Any) -> Any:
        sent = api.post(here, body, format="json")
        assert sent.status_code == status, sent.json()
        return sent.json()

    first = answer["items"][0]["item_id"]
    assert first.startswith("horror")
    (denial,) = pressed(item_id=first, reason="statement")["statements"]
    assert (denial["negated"], denial["about"]) == (True, "Horror")
    assert (
        pressed(400, item_id=first, reason="statement")["errors"][0]["parameter"] == "statement_id"
    )  # nothing raises it
    (title,) = pressed(item_id="western-1", reason="item")["statements"]
    assert title["about"] == "“Western 1 (1960)”"
    aspect = [{"kind": "attribute", "name": "genres", "value": "Musical"}]
    assert pressed(400, item_id="western-2", reason="aspect", aspect=aspect)["errors"][0]["parameter"] == "aspect"
    pressed(item_id="musical-1", reason="aspect", aspect=aspect)
    assert pressed(404, item_id="comedy-99", reason="item")["type"] == "urn:r4web:problem:unknown-item"

    after = recommended(api)
    assert "western-1" not in [item["item_id"] for item in after["items"]]
    assert {"western-2", "western-3"} <= {item["item_id"] for item in after["items"]}
    assert "musical" not in genres(after)
    assert moved_by(after, "horror") == []


@pytest.mark.parametrize("how", ["catalog", "variant"])
def test_an_item_that_they_refuse_is_not_listed_where_statements_move_nothing(
    api: APIClient, films: Catalog, how: str
) -> None:
    before = {item["item_id"] for item in recommended(api)["items"]}
    said(api, aspect=[{"kind": "title", "value": "western-1"}], polarity="dislikes")
    said(api, text="I hate musicals. I like dramas.")
    if how == "catalog":
        Catalog.objects.update(steering=0.0)
        acting = {(one["about"], one["acts"], one["acts_since"] is None, one["why_not"]) for one in listed(api)}
        off = (False, True, "steering_off")
        assert acting == {("“Western 1 (1960)”", True, False, None), ("Musical", *off), ("Drama", *off)}
        notices = [
            [one["code"] for one in said(api, **more)["notices"]]
            for more in (
                {"aspect": [{"kind": "title", "value": "western-2"}], "polarity": "dislikes"},
                {"text": "I hate musicals."},
            )
        ]
        assert notices == [[], ["moves_nothing"]]
        before -= {"western-2"}
    else:
        plan = experiments.Plan(key="try", variants=(Variant("a", steering=0.0), Variant("b", steering=0.0)))
        experiments.start(experiments.create(films, plan, by=None), by=None)
    after = recommended(api)
    assert {item["item_id"] for item in after["items"]} == before - {"western-1"}
    assert moved_by(after, "") == []


def test_who_is_in_two_minds_for_a_request_is_understood_and_what_the_text_says_moves_nothing(
    api: APIClient, text: Any
) -> None:
    asked = {"user_id": "u1", "text": "I have mixed feelings about horror.", "limit": 30, "explain": "full"}
    answer = api.post("/api/v1/catalogs/films/recommendations", asked, format="json").json()
    assert [(one["aspect"], one["polarity"]) for one in answer["understood"]] == [("Horror", "mixed")]
    assert moved_by(answer, "") == moved_by(recommended(api), "comedy")
    assert moved_by(recommended(api), "horror") == [("statement", "Horror", "likes")]


def test_pages_fields_and_statuses(api: APIClient) -> None:
    for genre in GENRES:
        said(api, text=f"I like {genre} films.")
    seen, cursor = [], {}
    while True:
        page = api.get(HERE, {"limit": "4", "fields": "about,acts"} | cursor).json()
        seen += page["statements"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [one["about"] for one in seen] == list(reversed(GENRES))
    assert list(seen[0]) == ["statement_id", "about", "acts"]
    api.delete(f"{HERE}/{seen[0]['statement_id']}")
    assert [one["about"] for one in listed(api, status="struck")] == [GENRES[-1]]
    assert len(listed(api)) == len(GENRES) - 1
    assert api.get(HERE, {"cursor": "x"}).status_code == 400


def test_the_same_request_again_is_answered_once_and_others_see_nothing(api: APIClient, films: Catalog) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = api.post(HERE, {"text": "I hate westerns."}, format="json", headers=headers)
    again = api.post(HERE, {"text": "I hate westerns."}, format="json", headers=headers)
    assert (again.json(), again["Idempotent-Replayed"]) == (first.json(), "true")
    make_end_user(films, "u2")
    pk = first.json()["statements"][0]["statement_id"]
    other = f"/api/v1/catalogs/films/users/u2/statements/{pk}"
    assert api.delete(other).json()["type"] == "urn:r4web:problem:unknown-statement"
    assert Statement.objects.get(pk=pk).ended_at is None


def test_their_words_are_exported_and_erased(api: APIClient, text: Any) -> None:
    (made,) = said(api, text="I hate westerns.")["statements"]
    api.patch(f"{HERE}/{made['statement_id']}", {"polarity": "mixed"}, format="json")
    api.patch(f"{HERE}/{of(listed(api), 'Horror', 'model')['statement_id']}", {"polarity": "mixed"}, format="json")
    kept = api.get("/api/v1/catalogs/films/users/u1").json()["statements"]
    assert [(one["aspect"], one["polarity"], one["words"]) for one in kept] == [
        ("Western", "dislikes", "I hate westerns."),
        ("Western", "mixed", ""),  # which is not what these words say
        ("Horror", "mixed", ""),
    ]
    receipt = api.delete("/api/v1/catalogs/films/users/u1").json()
    assert receipt["counts"]["statements"] >= 5
    assert not Statement.objects.exists()
    assert api.get(HERE).status_code == 410
