"""`manage.py set_up_catalog`: an empty catalog for a shop that sends all its data over REST."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from recommender.models import Catalog
from tests.builders import make_catalog, make_item

pytestmark = pytest.mark.django_db


def said(*options: str) -> str:
    out = StringIO()
    call_command("set_up_catalog", "shop", *options, stdout=out)
    return out.getvalue()


def settings() -> dict[str, Any]:
    names = ("item_noun", "rating_min", "rating_max", "like_threshold", "prompt_attributes", "clock")
    return Catalog.objects.values(*names).get(name="shop")


def test_an_empty_catalog_is_made_and_changed_by_what_is_named_only() -> None:
    first = said("--item-noun", "tool", "--rating-max", "10", "--like-threshold", "6", "--attributes", "kind,price")
    assert "New catalog shop" in first
    made = settings()
    assert made == {
        "item_noun": "tool",
        "rating_min": 1.0,
        "rating_max": 10.0,
        "like_threshold": 6.0,
        "prompt_attributes": ["kind", "price"],
        "clock": "seconds",
    }
    again = said("--attributes", "kind")
    assert "New catalog" not in again
    assert "1 to 10; above 6 is a like" in again
    assert settings() == made | {"prompt_attributes": ["kind"]}


def test_an_attribute_that_no_item_has_is_named_once_there_are_items() -> None:
    make_item(make_catalog("shop"), kind="Pan")
    assert said("--attributes", "kind,knid").count("misspelt") == 1


def test_a_setting_that_makes_no_sense_changes_nothing() -> None:
    said("--clock", "order")
    with pytest.raises(CommandError, match="splits no ratings"):
        said("--item-noun", "book", "--like-threshold", "9")
    with pytest.raises(CommandError, match="chosen when it was made: order"):
        said("--item-noun", "book", "--clock", "seconds")
    assert (settings()["item_noun"], settings()["clock"]) == ("item", "order")
