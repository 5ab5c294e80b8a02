from pathlib import Path

import pytest

from recommender.catalogs.importers.report import ImportFailedError
from recommender.models import Catalog, EndUser, Interaction
from tests.recommender.catalogs.importers.files import DATA, copied, item, load, rejections, rows, zipped

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_100k_is_read_from_its_folder() -> None:
    report = load("movielens-100k", DATA / "movielens-100k")
    assert (report.items.total, report.end_users.total, report.interactions.total, report.rejected) == (4, 3, 5, 0)
    assert rows()[0] == ("1", "1", 5.0, None, 881250949)
    assert item("2").title == "Café Königin (1964)"
    assert item("2").attributes == {"genres": ["Comedy", "Romance"], "year": 1964}
    end_user = EndUser.objects.get(external_id="2")
    assert end_user.attributes == {"age": 61, "gender": "male", "occupation": "retired"}


def test_100k_makes_a_catalog_of_movies_with_likes_above_3() -> None:
    load("movielens-100k", DATA / "movielens-100k")
    catalog = Catalog.objects.get()
    assert (catalog.item_noun, catalog.rating_min, catalog.rating_max, catalog.like_threshold) == ("movie", 1, 5, 3)
    assert catalog.prompt_attributes == ["genres", "year"]
    assert catalog.clock == "seconds"


def test_a_url_with_a_bar_does_not_shift_the_genres() -> None:
    load("movielens-100k", DATA / "movielens-100k")
    assert item("3").attributes == {"genres": ["Sci-Fi"], "year": 1979}


def test_a_film_of_unknown_genre_has_none() -> None:
    load("movielens-100k", DATA / "movielens-100k")
    assert (item("4").title, item("4").attributes) == ("unknown", {})


def test_1m_is_read_with_its_codes_spelled_out() -> None:
    report = load("movielens-1m", DATA / "movielens-1m")
    assert (report.items.total, report.end_users.total, report.interactions.total, report.rejected) == (3, 2, 4, 0)
    assert ("2", "9", 4.0, None, 978301968) in rows()
    assert item("2").title == "Café Königin (1964)"
    assert item("1").attributes == {"genres": ["Drama", "Sci-Fi"], "year": 1931}
    end_user = EndUser.objects.get(external_id="1")
    assert end_user.attributes == {"age": "under 18", "gender": "female", "occupation": "K-12 student"}


@pytest.mark.parametrize("layout", ["movielens-100k", "movielens-1m"])
def test_the_published_zip_gives_the_same_as_the_folder(layout: str, tmp_path: Path) -> None:
    load(layout, DATA / layout, name="folder")
    report = load(layout, zipped(tmp_path, layout), name="zip")
    assert rows("zip") == rows("folder")
    assert report.rejected == 0


def test_lines_that_cannot_be_read_are_rejected_by_number(tmp_path: Path) -> None:
    folder = copied(tmp_path, "movielens-1m")
    with (folder / "ratings.dat").open("a") as ratings:
        ratings.write("1::1::9::978300760\n1::1\n\n1::77::4::978300761\n5::1::4::978300762\n1::1::x::9\n1::1::4::now\n")
    report = load("movielens-1m", folder)
    assert rejections(report) == [
        ("ratings.dat", 5, "rating outside the scale 1 to 5"),
        ("ratings.dat", 6, "2 fields instead of 4"),
        ("ratings.dat", 10, "rating is not a number"),
        ("ratings.dat", 11, "timestamp is neither Unix seconds nor an ISO 8601 time"),
        ("ratings.dat", 8, "unknown item"),
        ("ratings.dat", 9, "unknown end user"),
    ]
    assert report.interactions.total == 4


def test_a_folder_of_the_other_layout_is_refused_with_the_names_of_what_is_missing() -> None:
    with pytest.raises(ImportFailedError, match=r"has no movies.dat and no users.dat and no ratings.dat.*u\.data"):
        load("movielens-1m", DATA / "movielens-100k")


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ml-1m.zip"
    path.write_bytes(b"PK not really")
    with pytest.raises(ImportFailedError, match="neither a folder nor a zip"):
        load("movielens-1m", path)


def test_a_zip_damaged_inside_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, "movielens-1m")
    whole = bytearray(path.read_bytes())
    whole[60] ^= 0xFF  # inside the first member's compressed data
    path.write_bytes(whole)
    with pytest.raises(ImportFailedError, match="damaged or incomplete"):
        load("movielens-1m", path)
    assert not Catalog.objects.exists()


@pytest.mark.data
def test_the_real_100k_is_imported_whole(research_data: Path) -> None:
    report = load("movielens-100k", research_data / "ml-100k")
    assert (report.items.total, report.end_users.total, report.interactions.total) == (1682, 943, 100_000)
    assert report.rejected == 0
    with (research_data / "ml-100k" / "u.data").open() as ratings:
        lines = [line.split() for line in ratings]
    for end_user, film, rating, moment in (lines[0], lines[49_999], lines[99_999]):
        found = Interaction.objects.get(end_user__external_id=end_user, item__external_id=film)
        assert (found.rating, found.moment) == (float(rating), int(moment))
    assert item("1").title == "Toy Story (1995)"
    assert item("1").attributes["genres"] == ["Animation", "Children's", "Comedy"]
    assert item("968").attributes["genres"] == ["Musical"]  # a line with one field too many
    assert all(film.attributes.get("year") for film in Catalog.objects.get().items.exclude(external_id="267"))
    again = load("movielens-100k", research_data / "ml-100k")
    assert (again.interactions.created, again.interactions.unchanged) == (0, 100_000)


@pytest.mark.data
def test_the_films_and_people_of_the_real_1m_go_with_its_labels(research_data: Path, tmp_path: Path) -> None:
    folder = research_data / "ml-1m"
    path = tmp_path / "events.csv"
    path.write_text("user_id,movie_id,pos,label\n1,3186,0,1\n1,1721,1,0\n2,1,0,-1\n")
    columns = {"item_id": "movie_id", "order": "pos"}
    report = load("csv", path, columns=columns, items=folder / "movies.dat", end_users=folder / "users.dat")
    assert (report.items.total, report.end_users.total, report.interactions.total) == (3883, 6040, 3)
    assert rows() == [("1", "3186", None, 1, 0), ("2", "1", None, None, 0), ("1", "1721", None, 0, 1)]
    assert Catalog.objects.get().clock == "order"
