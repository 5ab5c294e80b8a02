"""A served list is given again as it was: titles, reasons and decisions of that moment."""

from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.artifacts import verified
from recommender.erasure import service as erasure
from recommender.knowledge.disputes import dispute
from recommender.knowledge.service import reject
from recommender.models import Catalog, EndUser, Item, Recommendation, SubjectKind, TokenScope
from recommender.serving import catalog_index
from tests.builders import make_account, make_round
from tests.recommender.api.test_problems import problem
from tests.recommender.serving.ranked import ranked_catalog
from tests.recommender.training import synthetic

LIST = "/api/v1/catalogs/films/users/u1/recommendations"


@pytest.fixture(autouse=True)
def nothing_kept(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    verified.LOADED.clear()
    catalog_index.KEPT.clear()


def again(api: APIClient, served: dict[str, Any], **asked: str) -> dict[str, Any]:
    answer = api.get(f"/api/v1/recommendations/{served['recommendation_id']}", asked)
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


@pytest.mark.parametrize("level", ["none", "short", "full"])
def test_a_backbone_s_list_comes_again_with_all_its_reasons(api: APIClient, level: str) -> None:
    catalog = ranked_catalog("planted")
    reader = catalog.end_users.get(external_id="u000")
    turn = synthetic.approve(reader, "They adore dramas. They can't stand horror. They like the 1970s.", as_of=7)
    make_round(catalog.items.first(), ("reason", "Quiet and slow."), ("reflect", ""))
    path = "/api/v1/catalogs/planted/users/u000/recommendations"
    served = api.post(path, {"explain": level, "min_review": "any", "limit": 20}, format="json").json()
    kinds = {reason["kind"] for item in served["items"] for reason in item["reasons"]}
    assert (kinds >= {"history", "statement"}) == (level != "none")

    dispute(turn, reason="Not me.")
    reject(turn)
    Item.objects.filter(catalog=catalog).update(title="Renamed")
    reader.interactions.all().delete()

    assert again(api, served) == served | {"next_cursor": None, "notices": []}  # as the schema says
    bare = again(api, served, explain="none")
    assert (bare["explain"], bare["user_explanation"]) == ("none", None)
    assert all(item["reasons"] == [] for item in bare["items"])


def test_no_words_of_texts_are_in_the_log(api: APIClient, films: Catalog) -> None:
    synthetic.approve(EndUser.objects.get(external_id="u1"), "They adore dramas about xylophones.")
    synthetic.approve(Item.objects.get(external_id="f5"), "Xylophones.")
    served = api.post(LIST, {"explain": "full"}, format="json").json()
    assert served["items"][0]["explanation"]["text"] == "Xylophones."
    row = Recommendation.objects.values("items", "about").get()
    assert "ylophone" not in str(row)


def test_what_was_erased_since_is_gone_from_a_replay(api: APIClient, films: Catalog) -> None:
    met = Item.objects.get(external_id="f1")
    synthetic.approve(Item.objects.get(external_id="f5"), "Slow and kind.")
    served = api.post(LIST, {"explain": "full", "limit": 2}, format="json").json()
    assert met.external_id in str(served["items"][0]["reasons"])
    for name in ("f1", "f5"):
        erasure.erase(films, SubjectKind.ITEM, name)
    row = str(Recommendation.objects.values("items").get())
    assert (met.title not in row, "f5" not in row) == (True, True)
    replayed = again(api, served)
    assert [(item["rank"], item["item_id"]) for item in replayed["items"]] == [(2, "f4")]
    assert {reason["item_id"] for reason in replayed["items"][0]["reasons"] if reason["kind"] == "history"} == {"f2"}
    erasure.erase(films, SubjectKind.END_USER, "u1")
    gone = api.get(f"/api/v1/recommendations/{served['recommendation_id']}")
    problem(gone, status=410, kind="erased")


def test_a_row_of_an_earlier_release_says_that_no_reasons_were_kept(api: APIClient, films: Catalog) -> None:
    reader = EndUser.objects.get(external_id="u1")
    old = Recommendation.objects.create(
        catalog=films, end_user=reader, source="popular", items=[{"item_id": "f5", "rank": 1, "score": 2.0}]
    )
    replayed = api.get(f"/api/v1/recommendations/{old.pk}").json()
    (item,) = replayed["items"]
    assert (item["title"], item["reasons"], item["explanation_status"]) == ("Film 5", [], "not_kept")
    assert (replayed["explain"], replayed["user_explanation_status"]) == ("none", "not_kept")


def test_reasons_come_again_only_for_a_token_that_may_read_them(api: APIClient, films: Catalog) -> None:
    served = api.post(LIST, {"explain": "short"}, format="json").json()
    bare = api.post(LIST).json()
    scopes = [TokenScope.RECOMMENDATIONS_READ]
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {create_token('x', account=make_account(), scopes=scopes)[1]}")
    path = f"/api/v1/recommendations/{served['recommendation_id']}"
    problem(api.get(path), status=403, kind="scope-missing")
    assert again(api, served, explain="none")["items"]
    assert again(api, bare)["items"]


def test_a_replay_that_is_known_is_not_sent_again(api: APIClient, films: Catalog) -> None:
    path = f"/api/v1/recommendations/{api.post(LIST).json()['recommendation_id']}"
    assert api.get(path, headers={"If-None-Match": api.get(path)["ETag"]}).status_code == 304
