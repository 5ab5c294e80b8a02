"""Simulated rollouts: how often guards break without a cause, looked at all the time, and how soon with one."""

import numpy as np
import pytest

from recommender.guards.judging import judge
from recommender.guards.settings import GuardSettings
from recommender.guards.tallies import Side

ITEMS = 50
# No allowance at all: the hardest case, where both models are the same.
STRICT = GuardSettings(
    false_alarm=0.05, least_people=1, most_failed=0.02, more_fallback=0.0, click_drop=0.0, score_shift=0.0, crowding=0.0
)


def broken_at(
    source: np.random.Generator, settings: GuardSettings, *, lists: int, every: int, clicks: tuple[float, float]
) -> int | None:
    """After how many lists a guard first breaks, of a canary with half of the people; None: never.

    `clicks`: the rates of canary and active model. All else is the same: a tenth of the lists falls back, 2 % fail,
    scores are spread, and each list has one of the items, the first one most often.
    """
    canary = source.random(lists) < 0.5
    rate = np.where(canary, *clicks)
    drawn = {
        "people": np.ones(lists),
        "fell_back": source.random(lists) < 0.1,
        "failed": source.random(lists) < 0.02,
        "score": source.beta(2, 3, lists),
        "clicked": source.random(lists) < rate,
    }
    item = np.minimum(source.geometric(0.2, lists), ITEMS) - 1
    for end in range(every, lists + 1, every):
        sides = [_side(drawn, item, (canary == which) & (np.arange(lists) < end)) for which in (True, False)]
        judged = judge(*sides, settings, level=settings.false_alarm, items=ITEMS, title_of=str)
        if any(one.state == "broken" for one in judged):
            return end
    return None


def _side(drawn: dict[str, np.ndarray], item: np.ndarray, mine: np.ndarray) -> Side:
    sums = {name: float(values[mine].sum()) for name, values in drawn.items()}
    people = int(sums["people"])
    counts = np.bincount(item[mine], minlength=ITEMS)
    return Side(
        people=people,
        fell_back=int(sums["fell_back"]),
        failed=int(sums["failed"]),
        score=sums["score"],
        scored=people,
        settled=people,
        clicked=int(sums["clicked"]),
        items={str(n): int(many) for n, many in enumerate(counts) if many},
    )


def test_two_equal_models_looked_at_all_the_time_break_a_guard_no_more_often_than_promised() -> None:
    source = np.random.default_rng(11)
    broken = [broken_at(source, STRICT, lists=600, every=20, clicks=(0.2, 0.2)) for _ in range(100)]
    assert sum(each is not None for each in broken) <= 5


@pytest.mark.parametrize(("clicks", "most"), [((0.05, 0.3), 1500), ((0.0, 0.2), 800)])
def test_a_canary_that_is_clicked_far_less_breaks_its_guard_soon(clicks: tuple[float, float], most: int) -> None:
    source = np.random.default_rng(12)
    settings = GuardSettings()
    found = [broken_at(source, settings, lists=2000, every=50, clicks=clicks) for _ in range(10)]
    assert all(each is not None and each <= most for each in found), found


def test_the_first_interval_of_nobody_breaks_nothing() -> None:
    judged = judge(Side(), Side(), STRICT, level=0.05, items=0, title_of=str)
    assert {one.state for one in judged} == {"waiting"}
    assert [one.name for one in judge(Side(), None, STRICT, level=0.05, items=0, title_of=str)] == ["failed"]


def test_scores_that_mean_something_else_are_not_held_against_each_other() -> None:
    """Of a model that learned from likes alone one in five is a like; of one that knows dislikes every other."""
    sides = [Side(people=5000, scored=5000, score=share * 5000, settled=5000, items={"1": 9}) for share in (0.2, 0.6)]

    def of_scores(**compared: bool) -> str:
        judged = judge(*sides, GuardSettings(), level=0.05, items=ITEMS, title_of=str, **compared)
        return next(one.state for one in judged if one.name == "score")

    assert of_scores() == "broken"
    assert of_scores(same_scores=False) == "waiting"
