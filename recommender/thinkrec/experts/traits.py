"""What tells a group of end users from the others: aspects that more of its likes have. Pure.

An end user is one observation, the share of their likes that have the aspect, so nobody's long history speaks for all.
Welch's t compares the mean shares inside and outside of the group.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt

SURE = 3.0  # Welch's t from which on an aspect is told; many are compared at once
FEWEST = 5  # end users on either side: of fewer nobody knows how they vary


@dataclass(frozen=True, slots=True)
class Trait:
    """One aspect of which a group's end users like more than the others do."""

    aspect: str
    likes: int  # of the group's end users, of items that have it
    of: int  # all likes of the group's end users
    people: int  # end users of the group with such a like
    share: float  # of a like of the group's end users, on average over them
    elsewhere: float  # the same of all other end users
    t: float


@dataclass(slots=True)
class _Sums:
    likes: int = 0
    people: int = 0
    shares: float = 0.0
    squares: float = 0.0


def traits(groups: Sequence[int], likes: Sequence[int], having: Sequence[Mapping[str, int]]) -> list[list[Trait]]:
    """The traits of each of N groups, the surest first.

    For each end user (U): the group from 0 to N - 1, the number of likes, and how many of them have which aspect. Who
    likes nothing is left out. Raises ValueError where the three differ in length.
    """
    number = max(groups, default=-1) + 1
    people, total = [0] * number, [0] * number
    sums: dict[str, list[_Sums]] = defaultdict(lambda: [_Sums() for _ in range(number)])
    for own, count, aspects in zip(groups, likes, having, strict=True):
        if not count:
            continue
        people[own] += 1
        total[own] += count
        for aspect, had in aspects.items():
            one, share = sums[aspect][own], had / count
            one.likes += had
            one.people += had > 0
            one.shares += share
            one.squares += share * share
    found: list[list[Trait]] = [[] for _ in range(number)]
    for aspect, by_group in sums.items():
        for own, inside in enumerate(by_group):
            others = [each for place, each in enumerate(by_group) if place != own]
            outside = _Sums(shares=sum(o.shares for o in others), squares=sum(o.squares for o in others))
            t, share, elsewhere = _welch(inside, people[own], outside, sum(people) - people[own])
            if t >= SURE:
                found[own].append(Trait(aspect, inside.likes, total[own], inside.people, share, elsewhere, t))
    return [sorted(each, key=lambda trait: (-trait.t, trait.aspect)) for each in found]


def _welch(inside: _Sums, of: int, outside: _Sums, others: int) -> tuple[float, float, float]:
    """t and both means; -inf where fewer than FEWEST are on a side."""
    if min(of, others) < FEWEST:
        return -inf, 0.0, 0.0
    means = inside.shares / of, outside.shares / others
    spread = sum(
        max(0.0, side.squares - count * mean * mean) / (count - 1) / count
        for side, count, mean in ((inside, of, means[0]), (outside, others, means[1]))
    )
    apart = means[0] - means[1]
    if spread <= 1e-12:
        return (inf if apart > 1e-9 else 0.0), *means
    return apart / sqrt(spread), *means
