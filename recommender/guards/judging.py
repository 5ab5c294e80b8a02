"""Whether a guard is broken. Pure: sums in, words people can act on out.

Every bound holds at all looks together (measures.bounded), and the chance of being wrong is shared out among them:
a watch that breaks no guard is said to break one, ever, with at most its level. That adds up because a guard is broken
only where bounds of both sides are apart, which they are wrongly only where one of them is wrong.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from recommender.guards.settings import GuardSettings
from recommender.guards.tallies import Side
from recommender.measures.bounded import Bounds, bounds

State = Literal["kept", "broken", "waiting"]
LABELS = {
    "failed": "Lists that could not be ranked",
    "fell_back": "Lists from the fallback",
    "clicked": "Click rate",
    "score": "Mean score",
    "crowding": "The same item for everybody",
}
SIDES = 2  # whose bounds may each be wrong


@dataclass(frozen=True, slots=True)
class Judged:
    """One guard. `value`, `low`, `high`: of the watched version; `reference` …: of what it is held against, or the
    fixed limit. Shares from 0 to 1; None: nothing to count. `about`: for `crowding`, the item's primary key."""

    name: str
    state: State
    words: str
    value: float | None = None
    low: float = 0.0
    high: float = 1.0
    reference: float | None = None
    reference_low: float = 0.0
    reference_high: float = 1.0
    about: int | None = None

    @property
    def label(self) -> str:
        return LABELS[self.name]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"label": self.label}


def judge(
    tried: Side,
    reference: Side | None,
    settings: GuardSettings,
    *,
    level: float,
    items: int,
    title_of: Callable[[int], str],
    same_scores: bool = True,
) -> list[Judged]:
    """Every guard of a watch. `reference`: the side it is held against; None: there is none, so only what has a fixed
    limit is judged. `items`: how many the catalog has. `title_of`: an item's title by its primary key. `same_scores`:
    whether scores of both sides mean the same, so that a model with others is no broken one."""
    share = level / (len(LABELS) * SIDES)
    failed = tried.of("failed", level=share)
    state = _state(failed.low > settings.most_failed, settings, tried.people)
    limit = settings.most_failed
    said = f"{percent(failed.mean)} of its lists could not be ranked; at most {percent(limit)} may."
    said = said if tried.people else "Nobody got a list of it yet."
    found = [Judged("failed", state, said, failed.mean, failed.low, failed.high, limit, limit, limit)]
    if reference is None:
        return found
    fell, beside = (side.of("fell_back", level=share) for side in (tried, reference))
    state = _state(fell.low > beside.high + settings.more_fallback, settings, tried.people, reference.people)
    said = f"{_versus(fell, beside)} of the lists came from the fallback; {points(settings.more_fallback)} more may."
    found.append(_judged("fell_back", state, said, fell, beside))
    clicked, beside = (side.of("clicked", level=share) for side in (tried, reference))
    broken = clicked.high < beside.low * (1 - settings.click_drop)
    state = _state(broken, settings, tried.settled, reference.settled)
    said = f"{_versus(clicked, beside)} of the people clicked; it may be {percent(settings.click_drop)} less."
    if not (tried.clicked or reference.clicked):
        state, said = "waiting", "No click has come in time."
    found.append(_judged("clicked", state, said, clicked, beside))
    scored, beside = (side.of("score", level=share) for side in (tried, reference))
    shift = settings.score_shift
    broken = scored.low > beside.high + shift or scored.high < beside.low - shift
    state = _state(broken, settings, tried.scored, reference.scored)
    said = f"Its items score {_versus(scored, beside)} on average; they may be {points(shift)} apart."
    if not same_scores:
        state, said = "waiting", "One of the two learned from likes alone: their scores do not compare."
    found.append(_judged("score", state, said, scored, beside))
    return [*found, _crowding(tried, reference, settings, level=share / max(items, 1), title_of=title_of)]


def _crowding(
    tried: Side, reference: Side, settings: GuardSettings, *, level: float, title_of: Callable[[int], str]
) -> Judged:
    """The item that stands in most of the version's lists. `level`: of one item, as all were looked at to find it."""
    if not tried.items:
        return Judged("crowding", "waiting", "No item is counted yet.")
    item, many = max(tried.items.items(), key=lambda one: (one[1], one[0]))
    shown = bounds(many, tried.people, level=level)
    beside = bounds(reference.items.get(item, 0), reference.people, level=level)
    broken = shown.low > beside.high + settings.crowding
    said = f"“{title_of(int(item))}” stands in {_versus(shown, beside)} of the lists; "
    said += f"{points(settings.crowding)} more may."
    state = _state(broken, settings, tried.people, reference.people)
    return _judged("crowding", state, said, shown, beside, about=int(item))


def _judged(name: str, state: State, said: str, value: Bounds, beside: Bounds, *, about: int | None = None) -> Judged:
    ends = (value.low, value.high, beside.mean, beside.low, beside.high)
    return Judged(name, state, said, value.mean, *ends, about=about)


def _state(broken: bool, settings: GuardSettings, *people: int) -> State:
    if min(people) < settings.least_people:
        return "waiting"
    return "broken" if broken else "kept"


def _versus(value: Bounds, beside: Bounds) -> str:
    return f"{percent(value.mean)} (beside it {percent(beside.mean)})"


def percent(share: float | None) -> str:
    """A share in words: 0.123 is 12.3 %."""
    return "–" if share is None else f"{100 * share:.3g} %"


def points(share: float) -> str:
    return f"{100 * share:.3g} points"
