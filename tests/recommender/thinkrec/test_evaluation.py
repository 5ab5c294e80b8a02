"""Which ratings are scored with which history, warm and cold ones, and figures of rankers: by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.catalogs.feedback import FeedbackScale
from recommender.dataset.interactions import Interactions
from recommender.thinkrec.blocks import blocks
from recommender.thinkrec.evaluation import report
from recommender.thinkrec.evaluation.figures import figures, of_texts
from recommender.thinkrec.evaluation.rows import chosen, prompts_of, warm_and_cold
from recommender.thinkrec.prompts import Described, Person

TEN = 10


def interactions(rows: list[tuple[int, int, int, int]]) -> Interactions:
    """Rows of end user, item, moment and whether it was liked (-1: not known)."""
    table = np.array(sorted(rows, key=lambda row: (row[0], row[2])), dtype=np.int64).reshape(-1, 4)
    items = int(table[:, 1].max(initial=0)) + 1
    return Interactions(
        end_users=[f"u{n}" for n in range(int(table[:, 0].max(initial=0)) + 1)],
        items=[f"i{n}" for n in range(items)],
        end_user_keys={},
        item_keys={},
        item_tokens=np.zeros((items, 1), np.int32),
        tokens=[],
        scale=FeedbackScale(1.0, 5.0, 3.0),
        keys=np.arange(1, 1 + len(table)),
        end_user=table[:, 0].astype(np.int32),
        item=table[:, 1].astype(np.int32),
        moment=table[:, 2],
        liked=table[:, 3].astype(np.int8),
        feedback=np.zeros(len(table), np.uint8),
    )


ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 30), st.integers(-1, 1)), max_size=60)


@given(rows=ROWS, part=st.lists(st.booleans(), min_size=60, max_size=60), grows=st.integers(0, 6))
def test_every_row_is_asked_once_with_a_history_from_before_it_that_begins_as_its_block_does(
    rows: list[tuple[int, int, int, int]], part: list[bool], grows: int
) -> None:
    data = interactions(rows)
    wanted = chosen(data, np.flatnonzero(np.array(part[: len(rows)], dtype=bool)), most=0, seed=0)
    found = list(blocks(data, wanted, grows=grows))
    assert [row for block in found for row in block.rows] == wanted.tolist()
    for block in found:
        histories = [block.history(place).tolist() for place in range(len(block.rows))]
        for row, history in zip(block.rows, histories, strict=True):
            everything = [
                one
                for one in range(len(data))
                if data.end_user[one] == data.end_user[row]
                and data.moment[one] < data.moment[row]
                and data.liked[one] >= 0
            ]
            assert history == everything[len(everything) - len(history) :]
            assert min(TEN, len(everything)) <= len(history) <= TEN + grows
            assert history[: len(histories[0])] == histories[0]
        assert len(histories[0]) <= TEN


def test_without_growing_every_row_shows_the_last_ten_as_in_tuning() -> None:
    data = interactions([(0, n % 6, n, n % 2) for n in range(30)])
    for block in blocks(data, np.arange(20, 30), grows=0):
        assert [len(block.history(place)) for place in range(len(block.rows))] == [TEN] * len(block.rows)


def test_prompts_show_the_history_and_never_what_was_thought_of_the_item() -> None:
    data = interactions([(0, 0, 1, 1), (0, 1, 2, 0), (0, 2, 3, 1)])
    items = [Described(f"Film {n}", ("Drama",)) for n in range(3)]
    (block,) = blocks(data, np.array([1, 2]), grows=5)
    first, second = (
        p.messages[1]["content"] for p in prompts_of(block, data, items.__getitem__, person=Person("film", ()))
    )
    assert '"Film 0" (evaluation: Yes)' in first
    assert '"Film 1" (evaluation: No)' not in first
    assert '"Film 0" (evaluation: Yes) with description: Drama; "Film 1" (evaluation: No)' in second
    assert second.endswith('"Film 2" with description: Drama')


def test_a_sample_has_whole_end_users() -> None:
    data = interactions([(user, item, item, 1) for user in range(3) for item in range(6)])
    some = chosen(data, np.arange(18), most=7, seed=1)
    assert sorted(np.unique(data.end_user[some], return_counts=True)[1].tolist()) == [6, 6]
    assert len(chosen(data, np.arange(18), most=99, seed=1)) == 18


def test_cold_is_whom_or_what_the_train_part_does_not_have() -> None:
    """u0 and u1, i0 and i1 are in the train part (the first three); u2 and i2 are not."""
    data = interactions(
        [(0, 0, 1, 1), (0, 1, 2, 0), (1, 0, 1, 1), (0, 2, 8, 1), (1, 1, 9, 0), (2, 0, 8, 1), (2, 2, 9, 0)]
    )
    train = np.zeros(len(data), dtype=bool)
    tested = np.array([row for row in range(len(data)) if data.moment[row] >= 8])
    train[data.moment < 8] = True
    about = [(int(data.end_user[row]), int(data.item[row])) for row in tested]
    assert about == [(0, 2), (1, 1), (2, 0), (2, 2)]
    found = {name: mask.tolist() for name, mask in warm_and_cold(data, tested, trained=train).items()}
    assert found == {
        "all": [True] * 4,
        "warm": [False, True, False, False],
        "cold": [True, False, True, True],
        "cold end users": [False, False, True, True],
        "cold items": [True, False, False, True],
    }


def test_figures_are_those_of_the_definitions() -> None:
    """u0: the liked one above the other two. u1: liked, disliked, liked by rank. u2: one row, in no list figure."""
    label, end_user = np.array([1, 0, 0, 1, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 1, 2])
    score = np.array([3.0, 2.0, 1.0, 9.0, 8.0, 7.0, 5.0])
    everybody = np.ones(7, dtype=bool)
    found = figures(label, end_user, {"llm": score, "backbone": -score}, {"all": everybody, "cold": ~everybody})
    of_llm = {row["metric"]: row["estimate"] for row in found["figures"] if row["ranker"] == "llm"}
    gain_of_u1 = (1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    expected = {
        "auc": 9 / 12,
        "thinkrec_uauc": 0.75,
        "gauc": 0.75,
        "thinkrec_ndcg@5": (1 + gain_of_u1) / 2,
        "thinkrec_map@5": (1 + (1 + 2 / 3) / 2) / 2,
        "ndcg@5": (1 + gain_of_u1 + 1) / 3,
        "map@5": (1 + (1 + 2 / 3) / 2 + 1) / 3,
    }
    assert of_llm == pytest.approx(expected)
    (uauc,) = [row for row in found["differences"] if row["metric"] == "thinkrec_uauc"]
    assert uauc["estimate"] == pytest.approx(0.75 - 0.25)
    assert uauc["low"] <= uauc["estimate"] <= uauc["high"]
    assert found["slices"]["cold"] == {"samples": 0, "end_users": 0}
    assert {row["slice"] for row in found["figures"]} == {"all"}


@pytest.mark.parametrize(
    ("users", "said"), [(1, "Over 1 user an interval says nothing"), (19, "says little"), (20, "")]
)
def test_an_interval_over_few_users_is_no_interval(users: int, said: str) -> None:
    tokens = {"read": 1, "row_by_row": 1, "calls": 1, "seconds": 1.0, "items": 20}
    metrics = {
        "explanations": {"texts": 0, "learnt": 0},
        "cost": {"parameters": None, "list": tokens, "ratings": tokens},
        "slices": {"all": {"samples": 30, "end_users": users}},
        "rows": {"unanswered": 0, "left_out": 0},
        "notes": [],
    }
    told = " ".join(report.sentences(metrics))
    assert said in told
    assert ("an interval says" in told) == bool(said)


def test_columns_of_a_terminal_stand_apart() -> None:
    assert len(report._interval({"low": -0.923, "high": -0.7})) < report.WIDTH


def test_figures_do_not_depend_on_the_scale_of_scores() -> None:
    label, end_user = np.array([1, 0, 1, 0]), np.array([0, 0, 1, 1])
    score = np.array([30.1, 30.0, -2.0, 30.05])
    everybody = {"all": np.ones(4, dtype=bool)}
    found = figures(label, end_user, {"llm": score}, everybody)
    assert found == figures(label, end_user, {"llm": score * 100 + 7}, everybody)


def test_texts_are_averaged_over_texts_with_an_interval_over_end_users() -> None:
    found = of_texts({"meteor": [0.0, 1.0, 0.5, 0.5]}, [1, 1, 2, 3])["meteor"]
    assert found["estimate"] == 0.5
    assert found["low"] <= 0.5 <= found["high"]
