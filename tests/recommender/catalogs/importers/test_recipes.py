"""Every recipe of docs/importing.md, run as printed on small files of our own with the published names."""

import gzip
import io
import json
import re
import shlex
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.core.management import call_command

from recommender.models import Catalog, Interaction, Item
from tests.recommender.catalogs.importers.files import DATA, gzipped, zipped

pytestmark = pytest.mark.django_db
PAGE = Path(settings.BASE_DIR) / "docs" / "importing.md"
MADE = {  # catalog: items, end users, interactions, rejected rows, clock
    "ml-100k": (4, 3, 5, 0, "seconds"),
    "ml-1m": (3, 2, 4, 0, "seconds"),
    "ml-10m": (3, 3, 9, 0, "seconds"),
    "ml-20m": (4, 3, 12, 0, "seconds"),
    "ml-25m": (4, 3, 12, 0, "seconds"),
    "ml-32m": (4, 3, 12, 0, "seconds"),
    "ml-latest": (4, 3, 12, 0, "seconds"),
    "ml-1m-labels": (3, 2, 3, 0, "order"),
    "thinkrec": (3, 2, 4, 0, "seconds"),
    "amazon-2018": (2, 2, 4, 0, "seconds"),
    "amazon-2023": (2, 2, 4, 0, "seconds"),
    "goodbooks": (3, 2, 4, 0, "none"),
    "book-crossing": (3, 2, 2, 1, "none"),
    "shop": (2, 2, 3, 0, "seconds"),
    "shop-json": (2, 2, 3, 0, "seconds"),
    "events": (2, 2, 3, 0, "seconds"),
}


def recipes() -> dict[str, list[str]]:
    """Catalog → the arguments of its command: what a shell makes of the page's lines."""
    text = PAGE.read_text().split("\n## Recipes\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^    python manage\.py (import_catalog (?:.*\\\n)*.*)", text, re.MULTILINE)
    commands = [shlex.split(block.replace("\n    ", "\n").replace("\\\n", "")) for block in blocks]
    assert text.count("python manage.py") == len(commands)
    return {command[1]: command for command in commands}


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files, in the current folder."""
    here = tmp_path / "project"
    here.mkdir()
    monkeypatch.chdir(here)
    _movielens(here)
    _amazon(here)
    _books(here)
    _tables(here)


def _movielens(here: Path) -> None:
    for layout in ("ml-100k", "ml-1m"):
        zipped(here, layout.replace("ml-", "movielens-")).rename(f"{layout}.zip")
    for name in ("ml-10m", "ml-20m", "ml-25m", "ml-32m", "ml-latest-small"):
        shutil.make_archive(name, "zip", DATA / "imports" / ("ml-10m" if name == "ml-10m" else "ml-latest"))
    labels = here.parent / "shared" / "data" / "ml-1m"
    labels.mkdir(parents=True)
    for name in ("movies.dat", "users.dat"):
        shutil.copy(DATA / "movielens-1m" / name, labels / name)
    films, people = (
        [line.split("::")[0] for line in (labels / name).read_text("latin-1").splitlines()]
        for name in ("movies.dat", "users.dat")
    )
    rows = [f"{people[0]},{films[0]},0,1", f"{people[0]},{films[1]},1,-1", f"{people[1]},{films[0]},0,0"]
    with gzip.open(labels / "interactions.csv.gz", "wt") as file:
        file.write("\n".join(["user_id,movie_id,pos,label", *rows]))
    cut_by_time = here.parent / "shared" / "data" / "thinkrec-ml-1m"
    cut_by_time.mkdir()
    (cut_by_time / "items.csv").write_text(
        'item_id,title,genres,movie_id\n1,"Harbour, The (1994)",Drama,9\n2,Sting (1973),Comedy|Crime,1\n3,Else,War,7\n'
    )
    with gzip.open(cut_by_time / "interactions.csv.gz", "wt") as file:
        file.write("user_id,item_id,label,timestamp,part,warm\n1,1,1,994556598,train,1\n1,2,0,1017620997,valid,1\n")
        file.write("2,1,1,1030839252,valid,0\n2,3,1,1030839253,test,0\n")


def _amazon(here: Path) -> None:
    years = {
        2018: ("Books_5.json", "meta_Books.json", "reviewerID", "asin", "overall", "unixReviewTime", 1_500_000_000),
        2023: ("Books.jsonl", "meta_Books.jsonl", "user_id", "parent_asin", "rating", "timestamp", 1_500_000_000_000),
    }
    for reviews, metadata, person, item, stars, when, start in years.values():
        pairs = [("p", "x", 5), ("p", "y", 2), ("q", "x", 4), ("q", "y", 5), ("once", "x", 1), ("q", "rare", 3)]
        lines = [{person: p, item: i, stars: s, when: start + n} for n, (p, i, s) in enumerate(pairs)]
        described = [{item: i, "title": f"<b>Book {i}</b>"} for i in ("x", "y", "rare")]
        for name, rows in ((reviews, lines), (metadata, described)):
            with gzip.open(here / f"{name}.gz", "wt") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)


def _books(here: Path) -> None:
    (here / "goodbooks-10k").mkdir()
    (here / "goodbooks-10k" / "ratings.csv").write_text("user_id,book_id,rating\n1,258,5\n2,40,4\n2,258,2\n2,92,5\n")
    (here / "goodbooks-10k" / "books.csv").write_text(
        "book_id,work_id,isbn,authors,original_publication_year,title,average_rating,ratings_5,image_url\n"
        '258,1,034,Ada Berg,1999.0,"Harbour, The",4.1,9,https://example.org/1\n'
        "40,2,035,Ben Lund,,Second Spring,3.9,1,https://example.org/2\n92,3,,C. D.,2004.0,Third,3.2,0,\n"
    )
    shutil.copytree(DATA / "imports" / "books", here / "BX-CSV-Dump")


def _tables(here: Path) -> None:
    products, reviews = here / "products-000000000000.csv", here / "reviews-000000000000.csv"
    products.write_text("id,name,category\np1,Kettle,Kitchen\np2,Lamp,Light\n")
    rows = [("u1", "p1", "5", "2019-10-01 12:00:00 UTC"), ("u1", "p2", "2", "2019-10-02 09:30:00.25 UTC")]
    rows += [("u2", "p1", "4", "2019-10-03 00:00:00 UTC")]
    fields = ("user_id", "product_id", "stars", "created_at")
    reviews.write_text("\n".join(map(",".join, [fields, *rows])))
    gzipped(here, products)
    gzipped(here, reviews)
    said = "\n".join(json.dumps(dict(zip(fields, row, strict=True))) for row in rows)
    reviews.with_suffix(".json").write_text(said)
    times = pa.array([1_600_000_000_000_000_000 + n for n in range(3)], pa.timestamp("ns"))
    events = {"user_id": [7, 7, 8], "item_id": [1, 2, 1], "rating": [5.0, 2.0, 4.0], "timestamp": times}
    pq.write_table(pa.table(events), here / "events.parquet", use_deprecated_int96_timestamps=True)
    pq.write_table(pa.table({"item_id": [1, 2], "title": ["Kettle", "Lamp"]}), here / "items.parquet")


def test_every_recipe_works_as_printed(published: None) -> None:
    told = recipes()
    assert set(told) == set(MADE)
    for name, command in told.items():
        said = io.StringIO()
        call_command(*command, "--json", stdout=said)
        report = json.loads(said.getvalue())
        clock = Catalog.objects.get(name=name).clock
        found = (*(report[key] for key in ("items", "end_users", "interactions", "rejected")), clock)
        assert found == MADE[name], (name, report)
    titles = dict(Item.objects.filter(catalog__name="book-crossing").values_list("external_id", "title"))
    assert titles["034545104X"] == 'Ein "kleiner" Garten; zweiter Teil'
    assert titles["0446520802"] == "Señor"
    assert Item.objects.get(catalog__name="goodbooks", external_id="258").attributes == {
        "authors": "Ada Berg",
        "original_publication_year": 1999.0,
    }
    cuts = "--split", "given", "--valid-from", "1017620997", "--test-from", "1030839253"
    call_command("describe_split", "thinkrec", *cuts, "--json", stdout=(said := io.StringIO()))
    assert [json.loads(said.getvalue())[part]["samples"] for part in ("train", "valid", "test")] == [1, 2, 1]
    assert Item.objects.get(catalog__name="thinkrec", external_id="2").attributes == {"genres": ["Comedy", "Crime"]}
    assert set(Interaction.objects.filter(end_user__catalog__name="ml-latest").values_list("rating", flat=True)) >= {
        0.5
    }
    assert Item.objects.get(catalog__name="amazon-2018", external_id="x").title == "Book x"
