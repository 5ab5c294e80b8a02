import json
from pathlib import Path
from typing import Any

import pytest

from recommender.catalogs.importers.report import ImportFailedError
from recommender.models import Catalog, EndUser
from tests.recommender.catalogs.importers.files import (
    DATA,
    LABELS,
    copied,
    gzipped,
    item,
    load,
    load_text,
    rejections,
    rows,
    zipped,
)

pytestmark = pytest.mark.django_db
TABLES = DATA / "tables"
EXPECTED = [
    ("a", "m1", 5.0, None, 1700000000),
    ("b", "m1", 1.0, None, 1700000000),
    ("a", "m2", 2.5, None, 1700000060),
    ("b", "m3", 4.0, None, 1700000180),
]


def _as_jsonl(folder: Path) -> Path:
    """The hand-made tables again, as JSON lines with real numbers and lists."""
    items = [
        {"item_id": "m1", "title": "The Lighthouse at Noon", "year": 1931, "genres": ["Drama"], "maker": "Holm, A."},
        {"item_id": "m2", "title": "Café Königin", "year": 1964, "genres": ["Comedy", "Romance"], "maker": None},
        {"item_id": "m3", "title": "Orbit of Glass", "year": 1979, "genres": [], "maker": "B. Ferro"},
    ]
    people = [{"user_id": "a", "age": 24, "postcode": "00501"}, {"user_id": "b", "age": 61, "postcode": "T8H1N"}]
    events = [
        {"user_id": user, "item_id": film, "rating": rating, "timestamp": moment}
        for user, film, rating, _, moment in EXPECTED
    ]
    for name, objects in (("items", items), ("end_users", people), ("interactions", events)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(value) + "\n" for value in objects))
    return folder


def _write_parquet(path: Path, objects: list[dict[str, Any]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(objects), path, row_group_size=2)
    return path


def _as_parquet(folder: Path) -> Path:
    for file in sorted(_as_jsonl(folder).glob("*.jsonl")):
        objects = [json.loads(line) for line in file.read_text().splitlines()]
        _write_parquet(file.with_suffix(".parquet"), objects)
    return folder


def _check_tables() -> None:
    assert rows() == EXPECTED
    assert item("m1").attributes == {"year": 1931, "genres": ["Drama"], "maker": "Holm, A."}
    assert item("m2").title == "Café Königin"
    assert item("m2").attributes == {"year": 1964, "genres": ["Comedy", "Romance"]}
    assert item("m3").title == "Orbit of Glass"
    assert EndUser.objects.get(external_id="a").attributes == {"age": 24, "postcode": "00501"}
    assert Catalog.objects.get().prompt_attributes == ["year", "genres", "maker"]


def test_a_folder_of_csv_is_imported() -> None:
    assert load("csv", TABLES).rejected == 0
    _check_tables()


def test_a_folder_of_json_lines_is_imported(tmp_path: Path) -> None:
    assert load("jsonl", _as_jsonl(tmp_path)).rejected == 0
    _check_tables()


def test_a_folder_of_parquet_is_imported(tmp_path: Path) -> None:
    assert load("parquet", _as_parquet(tmp_path)).rejected == 0
    _check_tables()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_gzip_is_unpacked_whatever_the_file_is_called(form: str, tmp_path: Path) -> None:
    source = TABLES if form == "csv" else _as_jsonl(tmp_path)
    folder = tmp_path / "packed"
    folder.mkdir()
    for table in ("items", "end_users"):
        gzipped(folder, source / f"{table}.{form}")
    packed = gzipped(folder, source / f"interactions.{form}")
    packed.rename(folder / f"interactions.{form}")
    assert load(form, folder).rejected == 0
    _check_tables()


def test_labels_take_the_place_of_ratings_and_an_order_that_of_time() -> None:
    report = load("csv", DATA / "labels" / "events.csv", items=TABLES / "items.csv", columns=LABELS)
    assert report.rejected == 0
    assert rows() == [
        ("a", "m1", None, 1, 0),
        ("b", "m1", None, None, 0),  # -1: not known
        ("a", "m2", None, 0, 1),
        ("b", "m3", None, 1, 1),
        ("a", "m3", None, None, 2),
    ]
    assert Catalog.objects.get().clock == "order"
    assert EndUser.objects.count() == 2  # made from the interactions


def test_columns_can_have_any_name(tmp_path: Path) -> None:
    (tmp_path / "films.tsv").write_text("nr\tname\tkind\turl\n7\tThe Lighthouse\tDrama|War\thttp://x\n")
    (tmp_path / "people.csv").write_text("who,years\nann,30\n")
    (tmp_path / "stars.csv").write_text("who,nr,stars,ms\nann,7,4,1700000000999\n")
    load(
        "csv",
        tmp_path / "stars.csv",
        items=tmp_path / "films.tsv",
        end_users=tmp_path / "people.csv",
        columns={"user_id": "who", "item_id": "nr", "rating": "stars", "timestamp_ms": "ms"},
        item_columns={"item_id": "nr", "title": "name", "genres": "kind", "url": ""},
        end_user_columns={"user_id": "who", "age": "years"},
    )
    assert rows() == [("ann", "7", 4.0, None, 1700000000)]
    assert item("7").attributes == {"genres": ["Drama", "War"]}
    assert EndUser.objects.get().attributes == {"age": 30}


def test_whole_numbers_that_pandas_made_floats_are_still_ids(tmp_path: Path) -> None:
    events = [{"user_id": float(user), "item_id": 7, "label": 2 - user, "order": 0} for user in (1, 2)]
    path = _write_parquet(tmp_path / "events.parquet", events)
    (tmp_path / "items.csv").write_text("item_id,title\n7,The Lighthouse\n")
    load("parquet", path, items=tmp_path / "items.csv")
    assert rows() == [("1", "7", None, 1, 0), ("2", "7", None, 0, 0)]


def test_a_csv_with_other_separators_is_read_when_told(tmp_path: Path) -> None:
    for table in ("items", "interactions"):
        text = (TABLES / f"{table}.csv").read_text().replace("Holm, A.", "Holm").replace(",", ";")
        (tmp_path / f"{table}.csv").write_text("\ufeff" + text)
    assert load("csv", tmp_path, delimiter=";").rejected == 0
    assert rows() == EXPECTED
    with pytest.raises(ImportFailedError, match="A CSV delimiter is one character"):
        load("csv", tmp_path, delimiter=";;")


def test_more_interactions_can_follow_without_the_items(tmp_path: Path) -> None:
    load("csv", TABLES)
    more = tmp_path / "more.csv"
    more.write_text("user_id,item_id,rating,timestamp\na,m3,3,1700000500\nc,m1,5,1700000600\nc,m8,5,1700000600\n")
    report = load("csv", more)
    assert (report.interactions.created, report.interactions.total) == (2, 6)
    assert (report.end_users.created, report.items.total) == (1, 3)
    assert rejections(report) == [("more.csv", 4, "unknown item")]


def test_rows_that_cannot_be_read_are_rejected_by_line(tmp_path: Path) -> None:
    report = load_text(
        tmp_path,
        b"user_id,item_id,rating,timestamp\n"
        b"a,m1,5,1700000000\n"
        b"a,m1,5,1700000000\n"
        b"a,m2,2,1700000000000\n"
        b"a,m2,2\n"
        b"\xff\xfe,m2,2,1700000001\n"
        b",m2,2,1700000001\n"
        b"a,m2,nan,1700000001\n"
        b"a,m2,,1700000001\n"
        b"a,m9,2,1700000001\n"
        b"a,m2,2,yesterday\n"
        b'"a\nb",m2,2,1700000001\n',
    )
    assert rejections(report) == [
        ("given.csv", 4, "timestamp is not in seconds (milliseconds? then map timestamp_ms)"),
        ("given.csv", 5, "3 fields where the header has 4"),
        ("given.csv", 6, "not UTF-8 text"),
        ("given.csv", 7, "no end user id"),
        ("given.csv", 8, "rating outside the scale 1 to 5"),
        ("given.csv", 9, "neither a rating nor a label"),
        ("given.csv", 11, "timestamp is neither Unix seconds nor an ISO 8601 time"),
        ("given.csv", 12, "end user id with unreadable characters"),
        ("given.csv", 3, "an earlier line has the same end user, item and moment"),
        ("given.csv", 10, "unknown item"),
    ]
    assert rows() == [("a", "m1", 5.0, None, 1700000000)]


def test_a_quote_that_never_ends_costs_its_own_line(tmp_path: Path) -> None:
    rest = "a,m2,2,1700000001\n"
    report = load_text(tmp_path, f'user_id,item_id,rating,timestamp\na,m1,5,1700000000\nb,"m1,5,1700000000\n{rest}')
    assert [str(rejection) for rejection in report.examples] == [
        "given.csv line 3: a quote that is not closed: 'b,\"m1,5,1700000000'"
    ]
    assert rows() == [("a", "m1", 5.0, None, 1700000000), ("a", "m2", 2.0, None, 1700000001)]


def test_the_nameless_index_column_of_pandas_is_no_field(tmp_path: Path) -> None:
    load_text(tmp_path, ",user_id,item_id,label,order\n0,a,m1,1,7\n", columns={"rating": "", "timestamp": ""})
    assert rows() == [("a", "m1", None, 1, 7)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "given.csv is empty"),
        ("user_id,item_id,rating,timestamp\n", "given.csv has no rows"),
        ("user_id,film,rating,timestamp\na,m1,1,1\n", "no column 'item_id'; it has film, rating, timestamp, user_id"),
        ("user_id,user_id,item_id,rating,order\na,b,m1,1,1\n", "has two columns with the name 'user_id'"),
        ("user_id,item_id,timestamp\na,m1,1\n", "neither a rating nor a label column"),
        ("user_id,item_id,rating\na,m1,1\n", "has no time columns"),
        ("user_id,item_id,rating,timestamp,order\na,m1,1,1,1\n", "has timestamp and order columns"),
        (
            "user_id,item_id,rating,timestamp\na,m1,9,1\nb,m1,8,1\n",
            "Every row of given.csv was rejected, such as .*line 2",
        ),
        (
            "user_id,item_id,rating,timestamp\na,m8,5,1\nb,m9,4,1\n",
            "Every row of given.csv was rejected, .*unknown item",
        ),
    ],
)
def test_a_file_without_one_good_row_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match=sentence):
        load_text(tmp_path, text)
    assert not Catalog.objects.exists()


def test_a_mapped_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match=r"no column 'stars' .mapped to rating.; it has item_id, rating"):
        load_text(tmp_path, "user_id,item_id,rating,timestamp\na,m1,5,1\n", columns={"rating": "stars"})


def test_files_of_another_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match="not a Parquet file"):
        load("parquet", TABLES / "interactions.csv", items=TABLES / "items.csv")
    with pytest.raises(ImportFailedError, match="holds no JSON object"):
        load("jsonl", TABLES / "interactions.csv", items=TABLES / "items.csv")
    _as_parquet(tmp_path)
    with pytest.raises(ImportFailedError, match="is a Parquet file: use --format parquet"):
        load("csv", tmp_path / "interactions.parquet", items=TABLES / "items.csv")
    with pytest.raises(ImportFailedError, match="is a zip: unpack it first"):
        load("csv", zipped(tmp_path, "tables"), items=TABLES / "items.csv")
    with pytest.raises(ImportFailedError, match=r"has no column 'user_id'; it has '.udc89PNG"):
        load_text(tmp_path, b"\x89PNG\x1a\x00\xff,\n1,2\n")


def test_a_gzip_that_ends_early_is_refused(tmp_path: Path) -> None:
    whole = gzipped(tmp_path, TABLES / "interactions.csv")
    whole.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(ImportFailedError, match="damaged or incomplete"):
        load("csv", whole, items=TABLES / "items.csv")
    assert not Catalog.objects.exists()


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match="There is no file"):
        load("csv", tmp_path / "nowhere.csv", items=TABLES / "items.csv")


def test_a_folder_without_tables_is_refused_with_what_it_has(tmp_path: Path) -> None:
    folder = copied(tmp_path, "movielens-1m")
    with pytest.raises(ImportFailedError, match=r"it has movies\.dat, ratings\.dat, users\.dat"):
        load("csv", folder)
