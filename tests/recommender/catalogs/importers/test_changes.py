"""Importing twice, importing changed files, and imports that end early."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recommender.catalogs.importers.catalogs import CatalogOptions
from recommender.catalogs.importers.report import ImportFailedError
from recommender.models import Catalog, EndUser, Interaction, Item
from recommender.serving.catalog_index import index_of
from tests.builders import make_catalog, make_end_user, make_interaction, make_item
from tests.recommender.catalogs.importers.files import DATA, LABELS, copied, counts, item, load, load_text, rows

TABLES = DATA / "tables"
SOURCES: list[tuple[str, str, dict[str, Any]]] = [
    ("movielens-100k", "movielens-100k", {}),
    ("movielens-1m", "movielens-1m", {}),
    ("amazon", "amazon-2018", {}),
    ("amazon", "amazon-2023", {}),
    ("csv", "tables", {}),
    ("csv", "labels/events.csv", {"items": TABLES / "items.csv", "columns": LABELS}),
]


def _everything() -> list[list[dict[str, Any]]]:
    return [list(model.objects.order_by("pk").values()) for model in (Catalog, Item, EndUser, Interaction)]


@pytest.mark.django_db
@pytest.mark.parametrize(("form", "path", "options"), SOURCES)
def test_a_second_import_changes_nothing(form: str, path: str, options: dict[str, Any]) -> None:
    first = load(form, DATA / path, **options)
    before = _everything()
    second = load(form, DATA / path, **options)
    assert _everything() == before
    for was, now in zip(
        (first.items, first.end_users, first.interactions),
        (second.items, second.end_users, second.interactions),
        strict=True,
    ):
        assert (now.created, now.updated, now.unchanged, now.total) == (0, 0, was.created, was.total)
    assert not second.catalog_created


@pytest.mark.django_db
def test_a_changed_file_updates_what_changed_and_keeps_the_rest(tmp_path: Path) -> None:
    folder = copied(tmp_path, "tables")
    load("csv", folder)
    ids = dict(Item.objects.values_list("external_id", "pk"))
    for name, old, new in (
        ("items.csv", "The Lighthouse at Noon,1931", "The Lighthouse at Dawn,1932"),
        ("end_users.csv", "b,61", "b,62"),
        ("interactions.csv", "a,m2,2.5", "a,m2,4.5"),
    ):
        path = folder / name
        path.write_text(path.read_text().replace(old, new))
    report = load("csv", folder)
    assert (report.items.updated, report.items.unchanged) == (1, 2)
    assert (report.end_users.updated, report.end_users.unchanged) == (1, 1)
    assert (report.interactions.updated, report.interactions.unchanged, report.interactions.created) == (1, 3, 0)
    assert item("m1").title == "The Lighthouse at Dawn"
    assert ("a", "m2", 4.5, None, 1700000060) in rows()
    assert dict(Item.objects.values_list("external_id", "pk")) == ids


@pytest.mark.django_db
def test_one_catalog_does_not_see_anothers_rows() -> None:
    other = make_catalog("other")
    make_interaction(make_end_user(other, "a"), make_item(other, "Another film", external_id="m1"), moment=1700000000)
    load("csv", TABLES)
    load("csv", TABLES)
    assert len(rows("films")) == 4
    assert len(rows("other")) == 1
    assert item("m1", "other").title == "Another film"


@pytest.mark.django_db
def test_the_order_of_lines_breaks_ties_between_equal_moments(tmp_path: Path) -> None:
    lines = [f"u{n % 7},m{n % 3 + 1},{n % 5 + 1},5" for n in range(21)]
    load_text(tmp_path, "user_id,item_id,rating,timestamp\n" + "\n".join(lines))
    assert [f"{user},{film},{rating:g},{moment}" for user, film, rating, _, moment in rows()] == lines


def _stop_while_writing(step: str, done: int, of: int) -> None:
    if step == "writing interactions":
        raise KeyboardInterrupt


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_import_leaves_nothing_behind() -> None:
    with pytest.raises(KeyboardInterrupt):
        load("csv", TABLES, progress=_stop_while_writing)
    assert counts() == (0, 0, 0, 0)
    assert load("csv", TABLES).interactions.created == 4


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_second_import_leaves_the_catalog_as_it_was(tmp_path: Path) -> None:
    load("csv", TABLES)
    before = _everything()
    folder = copied(tmp_path, "tables")
    (folder / "items.csv").write_text("item_id,title\nm1,Other\nm2,Other\nm3,Other\n")
    with pytest.raises(KeyboardInterrupt):
        load("csv", folder, progress=_stop_while_writing, options=CatalogOptions(item_noun="film"))
    assert _everything() == before


DIE_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
import django
django.setup()
from recommender.catalogs.importers.plan import Request
from recommender.catalogs.importers.run import import_catalog
def progress(step, done, of):
    if step == "writing interactions":
        os.kill(os.getpid(), signal.SIGKILL)
import_catalog("films", form="csv", request=Request(path=Path(sys.argv[1])), progress=progress)
"""


def test_an_import_that_is_killed_leaves_nothing_behind(child_environment: dict[str, str]) -> None:
    root = Path(__file__).resolve().parents[4]
    killed = subprocess.run(
        [sys.executable, "-c", DIE_WHILE_WRITING, str(TABLES)],
        cwd=root,
        env=child_environment | {"PYTHONPATH": os.fspath(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert counts() == (0, 0, 0, 0)
    assert load("csv", TABLES).interactions.created == 4


@pytest.mark.django_db
def test_reading_takes_no_write_lock(tmp_path: Path) -> None:
    """Rows are staged while somebody else writes: only the last step touches the catalog."""
    steps: list[tuple[str, int]] = []
    load("csv", TABLES, progress=lambda step, done, of: steps.append((step, Item.objects.count())))
    assert {count for step, count in steps if step.startswith(("reading", "checking"))} == {0}
    assert steps[-1] == ("writing interactions", 3)


@pytest.mark.django_db
def test_changed_settings_are_told() -> None:
    load("csv", TABLES)
    report = load("csv", TABLES, options=CatalogOptions(like_threshold=4, item_noun="film"))
    assert report.settings_changed == {"item_noun": "item → film", "like_threshold": "3 → 4"}
    catalog = Catalog.objects.get()
    assert (catalog.like_threshold, catalog.item_noun) == (4, "film")
    assert load("csv", TABLES).settings_changed == {}
    assert Catalog.objects.get().like_threshold == 4


@pytest.mark.django_db
def test_settings_that_make_no_sense_are_refused() -> None:
    for options, sentence in (
        (CatalogOptions(rating_min=5, rating_max=1), "scale 5 to 1 is not one"),
        (CatalogOptions(rating_max=float("inf")), "scale 1 to inf is not one"),
        (CatalogOptions(item_noun="x" * 41), "1 to 40 characters"),
        (CatalogOptions(prompt_attributes=("genres", "gneres")), "No item of catalog films has an attribute 'gneres'"),
        (CatalogOptions(like_threshold=5), "splits no ratings"),
    ):
        with pytest.raises(ImportFailedError, match=sentence):
            load("csv", TABLES, options=options)
    with pytest.raises(ImportFailedError, match="letters, digits"):
        load("csv", TABLES, name="my films")
    load("csv", TABLES)
    with pytest.raises(ImportFailedError, match="has ratings outside 2 to 5 already"):
        load("csv", TABLES, options=CatalogOptions(rating_min=2))


@pytest.mark.django_db
def test_a_catalog_counts_moments_in_one_way_only() -> None:
    load("csv", TABLES)
    with pytest.raises(ImportFailedError, match="are Unix seconds"):
        load("csv", DATA / "labels" / "events.csv", columns=LABELS)


@pytest.mark.django_db
def test_a_wider_scale_lets_other_ratings_in(tmp_path: Path) -> None:
    text = "user_id,item_id,rating,timestamp\na,m1,0.5,1\nb,m1,10,1\n"
    options = CatalogOptions(rating_min=0.5, rating_max=10, like_threshold=7)
    assert load_text(tmp_path, text, options=options).rejected == 0
    assert [row[2] for row in rows()] == [0.5, 10]


@pytest.mark.django_db
def test_an_import_into_a_catalog_that_is_served_is_seen_by_the_next_request(tmp_path: Path) -> None:
    folder = copied(tmp_path, "tables")
    load("csv", folder)
    before = index_of(Catalog.objects.get())
    path = folder / "items.csv"
    width = path.read_text().splitlines()[0].count(",")
    path.write_text(path.read_text().rstrip("\n") + "\nnew,A new film" + "," * (width - 1) + "\n")
    load("csv", folder)
    assert set(index_of(Catalog.objects.get()).external_ids) - set(before.external_ids) == {"new"}
