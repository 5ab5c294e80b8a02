import pytest

from benchmarks.peers import rows

RATINGS = [(user, film, 1 + (user + film) % 5, 1000 - film) for user in (1, 2) for film in range(1, 21)]


@pytest.fixture
def folder(tmp_path):
    """As GroupLens has ML-1M: every film rated by both end users, the last one first."""
    lines = ["::".join(map(str, rating)) for rating in RATINGS]
    (tmp_path / "ratings.dat").write_text("\n".join(lines))
    (tmp_path / "movies.dat").write_text("\n".join(f"{film}::Film::Drama|War" for film in range(1, 21)))
    return tmp_path


def test_ml_1m_is_read_as_grouplens_has_it(folder):
    of = rows.read(folder, history=3).examples.interactions
    of_the_first = [1 + (1 + film) % 5 > 3 for film in range(20, 0, -1)]

    assert rows.is_there(folder)
    assert of.liked.tolist()[:20] == of_the_first
    assert [of.items[item] for item in of.item[:3]] == ["20", "19", "18"]


def test_a_folder_without_movielens_is_told_apart(tmp_path):
    assert not rows.is_there(tmp_path)
