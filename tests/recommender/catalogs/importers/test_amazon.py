import json
from pathlib import Path
from typing import Any

import pytest

from recommender.catalogs.importers.report import ImportFailedError
from recommender.catalogs.importers.selection import Cores
from recommender.models import Catalog, EndUser, Item
from tests.recommender.catalogs.importers.files import DATA, copied, gzipped, item, load, rejections, rows

pytestmark = pytest.mark.django_db
OLD, NEW = DATA / "amazon-2018", DATA / "amazon-2023"


def _add(path: Path, *objects: Any) -> None:
    with path.open("a") as file:
        file.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in objects)


def test_the_names_of_2018_are_read() -> None:
    report = load("amazon", OLD)
    assert (report.items.total, report.end_users.total, report.interactions.total, report.rejected) == (3, 3, 5, 0)
    assert rows()[0] == ("READER1", "B001", 5.0, None, 1472688000)
    atlas = item("B001")
    assert atlas.title == "Atlas of Small Islands & Rocks"
    assert atlas.attributes == {
        "categories": ["Books", "Travel & Maps", "Islands"],
        "brand": "M. Cartographer",
        "main_category": "Books",
    }


def test_the_names_of_2023_are_read_and_milliseconds_become_seconds() -> None:
    report = load("amazon", NEW)
    assert (report.items.total, report.end_users.total, report.interactions.total, report.rejected) == (2, 2, 3, 0)
    assert rows()[0] == ("READER1", "B001", 5.0, None, 1588687728)
    assert item("B001").attributes["brand"] == "M. Cartographer"
    assert item("B002").attributes == {"categories": ["Books", "Cooking"], "main_category": "Books"}


def test_a_like_is_a_rating_above_4() -> None:
    load("amazon", NEW)
    catalog = Catalog.objects.get()
    assert catalog.like_threshold == 4
    assert catalog.prompt_attributes == ["categories", "brand"]


def test_gzip_gives_the_same_as_plain_files(tmp_path: Path) -> None:
    load("amazon", OLD, name="plain")
    reviews = gzipped(tmp_path, OLD / "Books_5.json")
    metadata = gzipped(tmp_path, OLD / "meta_Books.json")
    load("amazon", reviews, name="named", items=metadata)
    load("amazon", reviews, name="beside")  # meta_Books.json.gz lies beside Books_5.json.gz
    assert rows("named") == rows("beside") == rows("plain")


def test_a_k_core_leaves_out_thin_end_users_and_items_until_none_is_left() -> None:
    report = load("amazon", OLD, cores=Cores(end_users=2, items=2))
    assert {row[:2] for row in rows()} == {(r, b) for r in ("READER1", "READER2") for b in ("B001", "B002")}
    assert sorted(Item.objects.values_list("external_id", flat=True)) == ["B001", "B002"]
    assert sorted(EndUser.objects.values_list("external_id", flat=True)) == ["READER1", "READER2"]
    assert report.filtered == {"items": 1, "end_users": 0, "interactions": 1}
    assert report.rejected == 0


def test_a_k_core_cascades(tmp_path: Path) -> None:
    folder = copied(tmp_path, "amazon-2018")
    # B003 now has two reviews, but one is READER3's only one: when READER3 goes, B003 goes too.
    _add(folder / "Books_5.json", {"overall": 3, "reviewerID": "READER2", "asin": "B003", "unixReviewTime": 1473120000})
    report = load("amazon", folder, cores=Cores(end_users=2, items=2))
    assert "B003" not in {row[1] for row in rows()}
    assert report.filtered["interactions"] == 2


def test_a_core_for_end_users_alone_keeps_rare_items() -> None:
    load("amazon", OLD, cores=Cores(end_users=2))
    assert {row[0] for row in rows()} == {"READER1", "READER2"}
    assert Item.objects.count() == 2


def test_a_core_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ImportFailedError, match="choose a smaller core"):
        load("amazon", OLD, cores=Cores(end_users=9, items=9))
    assert not Catalog.objects.exists()


def test_what_cannot_be_read_is_rejected_by_line(tmp_path: Path) -> None:
    folder = copied(tmp_path, "amazon-2018")
    good = {"overall": 3.0, "reviewerID": "READER9", "asin": "B001", "unixReviewTime": 1473120000}
    _add(
        folder / "Books_5.json",
        "{not json",
        [1, 2],
        good | {"overall": None},
        good | {"reviewerID": ""},
        good | {"unixReviewTime": None},
        good | {"asin": "B999"},
        good | {"overall": 7},
        good,
        good,
    )
    _add(folder / "meta_Books.json", {"asin": "B004", "title": ""}, {"title": "No id"})
    report = load("amazon", folder)
    assert rejections(report) == [
        ("meta_Books.json", 4, "no title"),
        ("meta_Books.json", 5, "no item id"),
        ("Books_5.json", 6, "not a JSON object"),
        ("Books_5.json", 7, "not a JSON object"),
        ("Books_5.json", 8, "no rating"),
        ("Books_5.json", 9, "no end user id"),
        ("Books_5.json", 10, "neither unixReviewTime nor timestamp"),
        ("Books_5.json", 12, "rating outside the scale 1 to 5"),
        ("Books_5.json", 14, "an earlier line has the same end user, item and moment"),
        ("Books_5.json", 11, "unknown item"),
    ]
    assert report.interactions.total == 6


def test_text_that_no_database_holds_is_cleaned(tmp_path: Path) -> None:
    folder = copied(tmp_path, "amazon-2023")
    _add(folder / "meta_Books.jsonl", {"parent_asin": "B009", "title": "Half \ud83d and\x00 nul " + "x" * 600})
    load("amazon", folder)
    assert item("B009").title.startswith("Half   and  nul xxx")
    assert len(item("B009").title) == 500


def test_reviews_without_metadata_are_refused(tmp_path: Path) -> None:
    reviews = tmp_path / "Books.jsonl"
    reviews.write_bytes((NEW / "Books.jsonl").read_bytes())
    with pytest.raises(ImportFailedError, match="has no items yet and this import brings none"):
        load("amazon", reviews)
