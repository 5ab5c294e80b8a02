"""GET …/items/{item_id}/similar, and what each kind of likeness says."""

from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from recommender.models import Catalog, KnowledgeVector
from recommender.serving import catalog_index, rules, vectors
from recommender.serving.rules import Wanted
from recommender.serving.vectors import item_texts
from recommender.statements import aspects
from tests.builders import make_catalog, make_item
from tests.recommender.serving.ranked import ranked_catalog
from tests.recommender.training import synthetic


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    for kept in (catalog_index.KEPT, aspects.KEPT, rules.KEPT, vectors.KEPT):
        kept.clear()


@pytest.fixture
def shop(db: None) -> Catalog:
    catalog = make_catalog("shop")
    for name, genres in {"a": ["War", "Drama"], "b": ["War", "Drama"], "c": ["Drama"], "d": ["Comedy"]}.items():
        make_item(catalog, f"Film {name}", external_id=name, genres=genres)
    return catalog


def similar(api: APIClient, item: str, catalog: str = "shop", **query: Any) -> dict[str, Any]:
    answer = api.get(f"/api/v1/catalogs/{catalog}/items/{item}/similar", query)
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


def scores(answer: dict[str, Any]) -> dict[str, float]:
    return {item["item_id"]: round(item["score"], 3) for item in answer["items"]}


def put_vector(item: Any, numbers: list[float]) -> None:
    turn = synthetic.approve(item, f"About {item}.")
    encoder = item_texts(make_catalog()).encoder
    KnowledgeVector.objects.create(
        encoder=encoder, text_hash=turn.text_hash, vector=np.array(numbers, dtype="<f4").tobytes()
    )


def test_by_attributes_items_that_share_values_are_alike(api: APIClient, shop: Catalog) -> None:
    answer = similar(api, "a")
    assert (answer["by"], answer["title"]) == ("attributes", "Film a")
    assert scores(answer) == {"b": 1.0, "c": 0.707}
    assert [notice["code"] for notice in answer["notices"]] == ["fewer_items"]


def test_by_texts_items_whose_vectors_are_near_are_alike(api: APIClient, shop: Catalog) -> None:
    for name, numbers in {"a": [1.0, 0.0], "d": [0.9, 0.1], "c": [0.0, 1.0]}.items():
        put_vector(shop.items.get(external_id=name), numbers)
    answer = similar(api, "a")
    assert answer["by"] == "texts"
    assert list(scores(answer)) == ["d"]
    assert similar(api, "b")["by"] == "attributes"
    assert similar(api, "b", by="texts") == similar(api, "b", by="texts") | {"by": None, "items": []}


def test_by_likes_the_backbone_s_own_vectors_say_what_is_alike(api: APIClient) -> None:
    catalog = ranked_catalog("planted")
    answer = similar(api, "i003", catalog="planted", limit=5, by="likes")
    assert answer["by"] == "likes"
    assert "i003" not in scores(answer)
    assert all(0 < score <= 1 for score in scores(answer).values())
    whole = list(scores(similar(api, "i003", catalog="planted", limit=100, by="likes")).values())
    assert whole[-1] < 0.5 * whole[0]  # they tell near from far
    genres = dict(catalog.items.values_list("external_id", "attributes__genres__0"))
    assert genres[answer["items"][0]["item_id"]] == genres["i003"]


def test_filters_exclusions_and_rules_hold_here_too(api: APIClient, shop: Catalog) -> None:
    assert list(scores(similar(api, "a", filter="-genres:War"))) == ["c"]
    assert list(scores(similar(api, "a", exclude="b"))) == ["c"]
    rules.put(shop, [Wanted("out_of_stock", "b")], by=None)  # type: ignore[arg-type]
    assert list(scores(similar(api, "a"))) == ["c"]


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("shop/items/zz/similar", 404, "unknown-item"),
        ("none/items/a/similar", 404, "unknown-catalog"),
        ("shop/items/a/similar?by=taste", 400, "invalid-parameter"),
        ("shop/items/a/similar?filter=colour:red", 400, "invalid-parameter"),
        ("shop/items/a%00/similar", 404, "unknown-item"),
    ],
)
def test_what_cannot_be_answered_is_told(api: APIClient, shop: Catalog, path: str, status: int, slug: str) -> None:
    answer = api.get(f"/api/v1/catalogs/{path}")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:r4web:problem:{slug}")


def test_an_id_may_be_any_text(api: APIClient, shop: Catalog) -> None:
    make_item(shop, external_id="x/similar", genres=["War"])
    assert similar(api, "x%2Fsimilar")["item_id"] == "x/similar"
