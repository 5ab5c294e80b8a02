"""Items whose numbers are near each other resemble each other: `metadata_numbers`."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.dataset import attributes
from recommender.dataset.examples import build
from recommender.dataset.split import split
from recommender.dataset.texts import KnowledgeRows
from recommender.signals import gaussian_process, posterior, spaces
from recommender.signals.protocol import Candidates
from recommender.signals.sources import Sources
from tests.recommender.signals.sources import CONFIG
from tests.recommender.training.synthetic import in_memory

ITEMS, BUCKETS = 60, 10
ALONE = CONFIG.but(metadata=False, collaborative=False, metadata_numbers=0.05)


def catalog(*, told: bool = True, seed: int = 3):
    """Everybody likes films of about their year; `told` False: the years are other films'."""
    source = np.random.default_rng(seed)
    year = source.permutation(ITEMS) % BUCKETS
    made = []
    for end_user in range(80):
        favourite = source.uniform(0, BUCKETS - 1)
        for place, item in enumerate(source.permutation(ITEMS)[:30].tolist()):
            likes = (abs(year[item] - favourite) < 2.5) != (source.random() < 0.1)
            made.append((end_user, item, 1000 + 10 * place, 5.0 if likes else 1.0))
    shown = year if told else source.permutation(year)
    return replace(
        in_memory(made, items=ITEMS),
        item_tokens=(1 + shown[:, None]).astype(np.int32),
        tokens=[f"year#{bucket}" for bucket in range(BUCKETS)],
    )


def fit(data, config=ALONE):
    codes = split("r4ec", data.end_user, data.liked)
    return gaussian_process.prepare(Sources(config, data, codes))(None)


@pytest.fixture(scope="module")
def data():
    return catalog()


@pytest.fixture(scope="module")
def fitted(data):
    return fit(data)


def test_the_nearer_two_numbers_the_nearer_their_items():
    bags = [{"year": year, "genres": ["Drama"]} for year in range(1950, 2000) for _ in range(2)] + [{}]
    vocabulary = attributes.fit(bags, least=2)

    space = spaces.of_numbers(vocabulary.encode(bags), vocabulary.tokens)
    near = posterior.near(space, space)

    assert space.shape == (101, 2)
    assert (np.diff(near[0, :100]) <= 1e-6).all()
    assert near[0, 0] == pytest.approx(1.0)
    assert near[0, 99] < 0.01
    assert not near[100].any()


def test_several_numbers_count_alike():
    tokens = ["pages#0", "pages#1", "year#0", "year#9"]

    space = spaces.of_numbers(np.array([[1, 3], [2, 3], [1, 4], [1, 0]], dtype=np.int32), tokens)

    assert np.linalg.norm(space, axis=1) == pytest.approx(1.0)
    assert space[0] @ space[1] > space[0] @ space[2]


@pytest.mark.parametrize("token", ["genres=Drama", "title=#3", "title=No. #3", "#", "year#", "year#-1"])
def test_what_is_no_number_has_no_bucket(token):
    assert attributes.bucket(token) is None


def test_a_number_has_its_bucket():
    assert attributes.bucket("year#7") == ("year", 7)


def test_a_taste_for_years_tells_of_later_films_and_years_that_say_nothing_do_not(data, fitted):
    gain = {}
    for told, process in ((True, fitted), (False, fit(catalog(told=False)))):
        shown = catalog(told=told)
        likes = Sources(ALONE, shown, split("r4ec", shown.end_user, shown.liked)).likes
        with_it, without = (
            gaussian_process.squared_error(one, shown.end_users, likes)
            for one in (process, replace(process, amplitudes=[0.0]))
        )
        gain[told] = 1 - with_it / without

    assert gain[True] > 0.1
    assert gain[False] < gain[True] / 2


def test_its_weight_is_the_one_given_and_the_others_are_still_chosen(data):
    fitted = fit(data, CONFIG.but(metadata_numbers=0.03))

    assert fitted.amplitudes[1] == 0.03
    assert Sources(CONFIG.but(metadata_numbers=0.03), data, split("r4ec", data.end_user, data.liked)).given == [0, 0.03]


def test_what_is_served_and_read_back_is_what_was_trained_on(data, fitted, tmp_path):
    fitted.save(tmp_path / "signal.npz")
    loaded = gaussian_process.load(tmp_path / "signal.npz")
    examples = build(data, KnowledgeRows([]), history=5)
    all_rows = fitted.read_all(examples, alive=lambda: None)

    for row in (0, 17, 29, 60 * 30 + 22):
        earlier = np.arange(examples.start[row], examples.before[row])
        asked = Candidates(
            data.end_users[data.end_user[row]],
            met=data.item[earlier].astype(np.int64),
            liked=data.liked[earlier],
            item=data.item[[row]].astype(np.int64),
            end_user_text=0,
            item_text=np.zeros(1, dtype=np.int64),
        )
        np.testing.assert_allclose(loaded.read(asked)[0], all_rows[row], atol=1e-4)


def test_without_numbers_there_is_no_such_space(data):
    codes = split("r4ec", data.end_user, data.liked)
    bare = replace(data, tokens=[f"genres={n}" for n in range(BUCKETS)])

    assert len(Sources(CONFIG.but(metadata_numbers=0.05), bare, codes).spaces) == 1


def test_it_is_off_unless_asked_for(data):
    codes = split("r4ec", data.end_user, data.liked)

    assert len(Sources(CONFIG, data, codes).spaces) == 1
    assert len(Sources(CONFIG.but(metadata_numbers=0.05), data, codes).spaces) == 2
