"""Filters know of items that came or changed as soon as reading attributes anew costs little."""

import math
import time

import pytest

from recommender.events import upserts
from recommender.models import Catalog
from recommender.statements import aspects
from tests.recommender.api.test_kept import World, same, world  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


def test_filters_know_of_changed_items_once_reading_them_anew_costs_little(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, asked = "/api/v1/catalogs/films/users/u000/recommendations", {"filter": "stock>0"}
    aspects.KEPT.clear()
    assert "no attribute “stock”" in world.api.get(here, asked).json()["detail"]
    names = [item["item_id"] for item in world.get(limit=2)["items"]]

    def stock(name: str, count: int) -> None:
        entry = {"item_id": name, "attributes": {"stock": count}}
        assert upserts.write_all(upserts.items, world.catalog, [entry]).updated == 1

    due = time.monotonic() + 1000
    monkeypatch.setattr(time, "monotonic", lambda: due)
    monkeypatch.setattr(aspects, "FRESH_SECONDS", 1e9)
    world.get()  # what is read now and then is read at this time
    stock(names[0], 3)
    assert [item["item_id"] for item in world.get(**asked)["items"]] == names[:1]
    assert same(world.get(**asked), world.get(**asked))

    monkeypatch.setattr(aspects, "REST_PER_WORK", 1e4)
    ticks = iter(range(10**6))
    monkeypatch.setattr(time, "monotonic", lambda: due + next(ticks) * 1e-4)  # so that reading takes some time
    stock(names[1], 1)
    assert len(world.get(**asked)["items"]) == 2
    stock(names[0], 0)
    stock(names[0], 5)
    found = world.get(**asked)
    known = aspects.aspects_of(world.catalog)
    assert math.isfinite(known.last.due)
    assert aspects.standing(_read_again(world.catalog))[1] == known.last.due
    assert len(found["items"]) == 2


def _read_again(catalog: Catalog) -> Catalog:
    return Catalog.objects.select_related("stamp").get(pk=catalog.pk)
