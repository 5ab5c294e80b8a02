"""Files as people have them: each of these broke an import once (tests/data/imports, and siblings made here)."""

import bz2
import datetime
import gzip
import io
import json
import lzma
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from recommender.catalogs.importers.amazon import _plain
from recommender.catalogs.importers.plan import Request
from recommender.catalogs.importers.report import ImportFailedError, Report
from recommender.catalogs.importers.run import import_catalog
from recommender.models import EndUser, Interaction, Item

pytestmark = pytest.mark.django_db
CASES = Path(__file__).parents[3] / "data" / "imports"


def imported(path: Path, form: str, items: Path | None = None, **more: object) -> Report:
    return import_catalog("case", form=form, request=Request(path=path, items=items, **more))  # type: ignore[arg-type]


def test_a_stray_quote_costs_its_own_line() -> None:
    folder = CASES / "unclosed-quote"
    report = imported(folder / "r-stray.csv", "csv", folder / "items.csv")
    assert (report.interactions.total, report.rejected) == (999, 1)
    (rejection,) = report.examples
    assert rejection.line == 12
    assert "quote" in rejection.reason


@pytest.mark.parametrize(
    ("rows", "kept", "rejected"),
    [
        ('u1,i1,5,1\n"u1,i2,4,2\nu2,i1,3,3\nu2,"i2",4,4\n', 3, 1),  # closed by a quote of another row
        ('u1,i1,5,1\nu1,i2,"4,2\n', 1, 1),  # in the last row
        ('u1,i1,5,1\nu1,"i2"x,4,2\nu2,i1,3,3\n', 2, 1),  # text after a quote
        ('u1,i1,5,1\n"u1,i2,4,2\n"u1,i3,4,2\nu2,i1,3,3\n', 2, 2),  # two of them
        ('u1,i1,5,1\n"u2",i1,"3",3\n', 2, 0),  # good ones
    ],
)
def test_only_the_line_with_the_quote_is_lost(tmp_path: Path, rows: str, kept: int, rejected: int) -> None:
    (tmp_path / "r.csv").write_text("user_id,item_id,rating,timestamp\n" + rows)
    report = imported(tmp_path / "r.csv", "csv", CASES / "unclosed-quote" / "items.csv")
    assert (report.interactions.total, report.rejected) == (kept, rejected)


def test_a_field_of_several_lines_is_one_field(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text('item_id,title,story\ni1,Heat,"first\n\nsecond, ""third"""\ni2,Ran,x\n')
    report = imported(CASES / "unclosed-quote" / "r.csv", "csv", tmp_path / "items.csv")
    assert report.items.total == 2
    assert Item.objects.get(external_id="i1").attributes["story"] == 'first second, "third"'


@pytest.mark.parametrize("name", ["ns", "int96", "us-oddtz", "binary-ids", "decimal-ids"])
def test_parquets_types_are_read(name: str) -> None:
    folder = CASES / "parquet-types"
    report = imported(folder / f"{name}.parquet", "parquet", folder / "items.csv")
    assert report.rejected == 0
    assert report.interactions.total >= 4
    assert not EndUser.objects.filter(external_id__contains="b'").exists()
    moments = set(Interaction.objects.values_list("moment", flat=True))
    assert all(datetime.datetime.fromtimestamp(moment, datetime.UTC).year > 2000 for moment in moments)


def test_times_that_cannot_be_told_are_rejected_in_words() -> None:
    folder = CASES / "parquet-types"
    with pytest.raises(ImportFailedError, match="timestamp too far off to be told"):
        imported(folder / "far.parquet", "parquet", folder / "items.csv")


def test_one_of_them_costs_its_own_row(tmp_path: Path) -> None:
    when = pa.array([1_600_000_000_000_000, 2**62], pa.timestamp("us"))
    rows = {"user_id": ["u1", "u2"], "item_id": ["i1", "i2"], "rating": [4, 5], "timestamp": when}
    pq.write_table(pa.table(rows), tmp_path / "r.parquet")
    report = imported(tmp_path / "r.parquet", "parquet", CASES / "compressed" / "items.csv")
    assert (report.interactions.total, report.rejected) == (1, 1)


def test_odd_columns_nobody_needs_do_no_harm() -> None:
    folder = CASES / "parquet-types"
    report = imported(CASES / "unclosed-quote" / "r.csv", "csv", folder / "items-nested.parquet")
    assert report.items.total > 1
    assert report.rejected == 0


def test_parquet_values_of_every_kind_become_attributes_or_nothing(tmp_path: Path) -> None:
    columns = {
        "item_id": pa.array([Decimal("1"), Decimal("2")], pa.decimal128(10, 0)),
        "title": pa.array([b"Heat", b"\xff\xfe"], pa.binary()),
        "seen": pa.array([0, 2**62], pa.timestamp("us")),
        "price": pa.array([Decimal("9.90"), None], pa.decimal128(8, 2)),
        "tags": pa.array([["a", "b"], []], pa.list_(pa.string())),
        "other": pa.array([{"x": 1}, None], pa.struct([("x", pa.int64())])),
        "kind": pa.array(["x", "y"]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), tmp_path / "items.parquet")
    (tmp_path / "r.csv").write_text("user_id,item_id,rating,timestamp\nu1,1,5,1600000000\n")
    report = imported(tmp_path / "r.csv", "csv", tmp_path / "items.parquet")
    item = Item.objects.get()
    assert (item.external_id, item.title) == ("1", "Heat")
    assert (item.attributes["price"], item.attributes["tags"], item.attributes["kind"]) == (9.9, ["a", "b"], "x")
    assert item.attributes["seen"].startswith("1970-01-01")
    assert report.reasons["items.parquet: no title"] == 1


def test_json_keys_are_read_line_by_line() -> None:
    report = imported(CASES / "jsonl-first-line", "jsonl")
    assert (report.items.total, report.end_users.total, report.interactions.total, report.rejected) == (3, 2, 3, 0)
    assert Item.objects.get(external_id="i2").attributes == {"genres": ["Drama"], "director": "M. Ek"}
    assert Item.objects.get(external_id="i1").attributes == {}
    assert EndUser.objects.get(external_id="u2").attributes == {"age": 31, "city": "Tartu"}
    assert set(Interaction.objects.values_list("rating", flat=True)) == {None, 5.0, 2.0}


def test_utf_8_films_are_read_as_that_and_the_report_says_so() -> None:
    report = imported(CASES / "movies-utf8", "movielens-1m")
    assert "Misérables d'été, Les (1995)" in Item.objects.values_list("title", flat=True)
    assert report.notes == ("movies.dat is read as UTF-8.",)


def test_films_that_are_not_utf_8_are_read_as_iso_8859_1(tmp_path: Path) -> None:
    for name in ("users.dat", "ratings.dat"):
        (tmp_path / name).write_bytes((CASES / "movies-utf8" / name).read_bytes())
    films = (CASES / "movies-utf8" / "movies.dat").read_text().replace("Łódź", "Lodz")
    (tmp_path / "movies.dat").write_bytes(films.encode("latin-1"))
    report = imported(tmp_path, "movielens-1m")
    assert "Misérables d'été, Les (1995)" in Item.objects.values_list("title", flat=True)
    assert report.notes == ("movies.dat is read as ISO-8859-1.",)


@pytest.mark.parametrize("name", ["r.csv.gz", "r.csv.bz2", "r.csv.zst", "utf16.csv"])
def test_packed_files_and_other_encodings_are_read(name: str) -> None:
    report = imported(CASES / "compressed" / name, "csv", CASES / "compressed" / "items.csv")
    assert (report.interactions.total, report.rejected) == (12, 0)


def _lz4(text: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "lz4") as stream:
        stream.write(text)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("r.csv.xz", lzma.compress),
        ("r.csv.lz4", _lz4),
        ("r", bz2.compress),  # by its first bytes, whatever it is called
        ("r.csv", gzip.compress),
        ("r.csv", lambda text: text.decode().encode("utf-16-le")),  # without a mark
        ("r.csv", lambda text: text.decode().encode("utf-16-be")),
        ("r.csv", lambda text: text.decode().encode("utf-32")),
        ("r.csv", lambda text: b"\xef\xbb\xbf" + text),
        ("r.csv", lambda text: text.replace(b"\n", b"\r\n")),
        ("r.csv", lambda text: text.replace(b"\n", b"\r")),
    ],
)
def test_their_siblings_are_too(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / name).write_bytes(pack((CASES / "unclosed-quote" / "r.csv").read_bytes()))
    report = imported(tmp_path / name, "csv", CASES / "compressed" / "items.csv")
    assert (report.interactions.total, report.rejected) == (12, 0)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"Rar!\x1a\x07", "RAR"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"PAR1xxxx", "--format parquet"),
        (b"\x80\x04\x95xxxx", "pickle"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_name(tmp_path: Path, start: bytes, words: str) -> None:
    (tmp_path / "r.csv").write_bytes(start + b"\x00" * 100)
    with pytest.raises(ImportFailedError, match=words):
        imported(tmp_path / "r.csv", "csv")


def test_a_packed_file_that_breaks_off_is_damaged(tmp_path: Path) -> None:
    for name, pack in (("r.csv.bz2", bz2.compress), ("r.csv.xz", lzma.compress), ("r.csv.gz", gzip.compress)):
        (tmp_path / name).write_bytes(pack((CASES / "unclosed-quote" / "r-stray.csv").read_bytes())[:-40])
        with pytest.raises(ImportFailedError, match=r"damaged|could not be read"):
            imported(tmp_path / name, "csv", CASES / "compressed" / "items.csv")


@pytest.mark.parametrize("form", ["movielens-latest", "movielens-20m", "movielens-25m", "movielens-32m"])
def test_movielens_of_today_is_a_format(form: str) -> None:
    report = imported(CASES / "ml-latest", form)
    assert (report.items.total, report.interactions.total, report.rejected) == (4, 12, 0)
    films = dict(Item.objects.values_list("title", "attributes"))
    assert films['Café "Noir" (a.k.a. Le café, noir) (1996)'] == {"year": 1996}  # no genres listed
    assert films["Chairman, The (1995)"] == {"genres": ["Comedy", "Drama"], "year": 1995}
    assert set(Interaction.objects.values_list("rating", flat=True)) == {0.5, 3.5, 4.0, 5.0}


def test_movielens_10m_is_a_format() -> None:
    report = imported(CASES / "ml-10m", "movielens-10m")
    assert (report.items.total, report.end_users.total, report.interactions.total) == (3, 3, 9)
    assert 0.5 in Interaction.objects.values_list("rating", flat=True)


@pytest.mark.parametrize(
    ("folder", "form", "meant"),
    [("ml-10m", "movielens-1m", "movielens-10m"), ("ml-latest", "movielens-10m", "movielens-latest")],
)
def test_the_other_layout_is_named(folder: str, form: str, meant: str) -> None:
    with pytest.raises(ImportFailedError, match=f"It looks like --format {meant}"):
        imported(CASES / folder, form)


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("20191001", "2019-10-01"),
        ("20191001123000", "2019-10-01"),
        ("2019-10-01 12:30:00 UTC", "2019-10-01"),
        ("2019-10-01 12:30:00.123456 UTC", "2019-10-01"),
        ("2019-10-01T12:30:00Z", "2019-10-01"),
        ("1569933000", "2019-10-01"),
        ("29991231", "1970-12-14"),  # no date of a rating: seconds
        ("20191399", "1970-08-22"),  # no date at all
    ],
)
def test_a_time_is_read_as_what_it_is(tmp_path: Path, when: str, day: str) -> None:
    (tmp_path / "r.csv").write_text(f"user_id,item_id,rating,timestamp\nu1,i1,5,{when}\n")
    imported(tmp_path / "r.csv", "csv", CASES / "compressed" / "items.csv")
    moment = Interaction.objects.get().moment
    assert datetime.datetime.fromtimestamp(moment, datetime.UTC).date().isoformat() == day


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ('<span id="productTitle" class="a-size-large">The <b>Hobbit</b></span>', "The Hobbit"),
        ("<script>var a = 1;</script>Heat", "Heat"),
        ("Heat var aPageStart = (new Date()).getTime(); function x(){}", "Heat"),
        ("if(window.uet){uet('bb');} var x = 1;", ""),
        ("3 < 5 > 4", "3 < 5 > 4"),
        ("I <3 You", "I <3 You"),
        ("Variety var. dresses", "Variety var. dresses"),
        (None, ""),
    ],
)
def test_a_title_of_amazon_is_what_a_browser_shows(raw: object, text: str) -> None:
    assert _plain(raw) == text


def test_the_escape_and_the_encoding_can_be_named(tmp_path: Path) -> None:
    books = '"ISBN";"Book-Title"\n"1";"Ein \\"kleiner\\" Garten; zweiter Teil"\n"2";"Señor"\n'
    (tmp_path / "books.csv").write_bytes(books.encode("latin-1"))
    (tmp_path / "r.csv").write_text(
        '"User-ID";"ISBN";"Rating";"When"\n"7";"1";"5";"2001-01-01"\n"7";"2";"4";"2001-01-02"\n'
    )
    said = io.StringIO()
    call_command(
        "import_catalog", "books", str(tmp_path / "r.csv"), "--format", "csv", "--items", str(tmp_path / "books.csv"),
        "--delimiter", ";", "--escape", "\\", "--encoding", "latin-1", "--json",
        "--map", "user_id=User-ID,item_id=ISBN,rating=Rating,timestamp=When",
        "--item-map", "item_id=ISBN,title=Book-Title",
        stdout=said,
    )  # fmt: skip
    assert json.loads(said.getvalue())["rejected"] == 0
    assert set(Item.objects.values_list("title", flat=True)) == {'Ein "kleiner" Garten; zweiter Teil', "Señor"}
    with pytest.raises(CommandError, match="There is no encoding 'klingon'"):
        call_command("import_catalog", "books", str(tmp_path / "r.csv"), "--format", "csv", "--encoding", "klingon")
