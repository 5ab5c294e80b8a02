import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from recommender.catalogs.sample import generate, truth
from recommender.grounding.prose import is_prose
from recommender.models import Catalog, EndUser, Interaction
from tests.recommender.catalogs.importers.files import item, load

PEOPLE = {taste.user_id: taste for taste in truth.tastes()}
FILMS = {film.item_id: film for film in truth.films()}


def _watched() -> list[generate.Watched]:
    return list(generate.interactions(truth.films(), truth.tastes(), truth.appeal()))


def test_the_committed_tastes_are_what_the_generator_makes() -> None:
    films = truth.films()
    made = generate.as_json(generate.make_tastes(films), generate.make_appeal(films))
    assert truth.TASTES.read_text(encoding="utf-8") == made


def test_interactions_are_equal_in_every_process() -> None:
    """Nothing may depend on the order of a set, which differs between processes."""
    code = (
        "from recommender.catalogs.sample import generate, truth\n"
        "print(list(generate.interactions(truth.films(), truth.tastes(), truth.appeal())))"
    )
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(_watched())


def test_films_are_described_without_gaps_or_doubles() -> None:
    films = truth.films()
    assert len(films) == len({film.item_id for film in films}) == len({film.title for film in films})
    for film in films:
        assert film.title.endswith(f"({film.year})")
        assert film.genres
        assert list(film.genres) == sorted(set(film.genres))
        assert film.director
        assert film.country


def test_descriptions_are_prose_of_our_own_length_without_names_and_no_two_begin_alike() -> None:
    films = truth.films()
    assert len({" ".join(film.description.split()[:4]) for film in films}) == len(films)
    for film in films:
        assert is_prose(film.description)
        assert 15 <= len(film.description.split()) <= 35
        assert film.description.endswith(".")
        assert film.director.split()[-1] not in film.description.replace(",", " ").split()


def test_everybody_watched_20_to_80_different_films_in_the_order_of_time() -> None:
    watched = _watched()
    for user_id in PEOPLE:
        own = [row for row in watched if row.user_id == user_id]
        assert generate.FEWEST <= len(own) <= generate.MOST
        assert len({row.item_id for row in own}) == len(own)
        assert [row.moment for row in own] == sorted({row.moment for row in own})


def test_every_film_was_watched_and_every_rating_given() -> None:
    watched = _watched()
    assert {row.item_id for row in watched} == set(FILMS)
    assert set(Counter(row.rating for row in watched)) == {1, 2, 3, 4, 5}
    liked = sum(row.rating > 3 for row in watched) / len(watched)
    assert 0.4 < liked < 0.6


def test_the_truth_predicts_likes_and_is_calibrated() -> None:
    told = [(truth.like_probability(PEOPLE[w.user_id], FILMS[w.item_id]), w.rating > 3) for w in _watched()]
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        inside = [(chance, liked) for chance, liked in told if low <= chance < low + 0.2]
        expected = sum(chance for chance, _ in inside) / len(inside)
        observed = sum(liked for _, liked in inside) / len(inside)
        assert abs(expected - observed) < 0.05


def test_rules_about_combinations_matter_for_everybody() -> None:
    for taste in truth.tastes():
        for rule in taste.rules:
            assert sum(rule.holds(film) for film in FILMS.values()) >= generate.FEWEST_FILMS
        assert not set(taste.loves) & set(taste.avoids)


@pytest.mark.django_db
def test_the_sample_becomes_a_catalog() -> None:
    report = load("sample", None, name="sample")
    assert (report.items.total, report.end_users.total, report.rejected) == (len(FILMS), len(PEOPLE), 0)
    assert report.interactions.total == len(_watched())
    assert Catalog.objects.get().prompt_attributes == ["genres", "year", "director", "country", "description"]
    film = next(film for film in truth.films() if film.title.startswith("Alien ("))
    assert item(film.item_id, "sample").attributes == {
        "year": 1979,
        "genres": ["Horror", "Sci-Fi"],
        "director": "Ridley Scott",
        "country": "United Kingdom",
        "description": film.description,
    }
    assert set(EndUser.objects.get(external_id="u001").attributes) == {"age", "gender", "occupation"}
    assert not Interaction.objects.exclude(rating__gte=1, rating__lte=5).exists()
    assert load("sample", None, name="sample").interactions.created == 0


@pytest.mark.django_db
def test_a_sample_of_before_films_had_descriptions_gets_them_when_it_is_imported_again() -> None:
    load("sample", None, name="sample")
    film = item("f001", "sample")
    told = film.attributes.pop("description")
    film.save()
    report = load("sample", None, name="sample")
    assert (report.items.created, report.items.updated) == (0, 1)
    assert item("f001", "sample").attributes["description"] == told
