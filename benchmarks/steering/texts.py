"""Honest texts about end users: what the counts of a history say, as templates and as prose."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.steering.corrections import Aspect

FEWEST, DAMPING, MARGIN = 4, 3, 0.08
TEMPLATE = ("They love {}.", "They avoid {}.")
PROSE = (
    ("Somebody who keeps coming back to {} and seldom regrets it.", "On the other hand, {} are not for them."),
    ("Most of what they rate highly are {}.", "They have little time for {}, which they tend to rate low."),
    ("What stands out is a fondness for {}.", "They are less keen on {}, although there are exceptions."),
    ("They clearly enjoy {}, above all well-made ones.", "They do not care much for {}."),
)


@dataclass(frozen=True, slots=True)
class Taste:
    """What is liked more, and less, than everything else that somebody met; the strongest first."""

    likes: Sequence[Aspect]
    dislikes: Sequence[Aspect]


def taste_of(rated: Iterable[tuple[str, bool]], aspects: Iterable[Aspect], *, most: int = 2) -> Taste:
    """Of each kind at most so many. `rated`: external id of an item, and whether it was liked."""
    liked = dict(rated)
    mean = sum(liked.values()) / len(liked) if liked else 0.0
    likes: dict[str, list[tuple[float, Aspect]]] = {}
    dislikes: dict[str, list[tuple[float, Aspect]]] = {}
    for aspect in aspects:
        own = [liked[item] for item in aspect.items if item in liked]
        if len(own) < FEWEST:
            continue
        lift = (sum(own) + DAMPING * mean) / (len(own) + DAMPING) - mean
        if abs(lift) >= MARGIN:
            (likes if lift > 0 else dislikes).setdefault(aspect.kind, []).append((lift, aspect))
    return Taste(_strongest(likes, most), _strongest(dislikes, most))


def _strongest(found: Mapping[str, list[tuple[float, Aspect]]], most: int) -> list[Aspect]:
    return [aspect for own in found.values() for _, aspect in sorted(own, key=lambda one: -abs(one[0]))[:most]]


def template(taste: Taste) -> str:
    return " ".join(
        wording.format(aspect.words["en"][0])
        for wording, side in zip(TEMPLATE, (taste.likes, taste.dislikes), strict=True)
        for aspect in side
    )


def prose(taste: Taste, source: random.Random) -> str:
    """Both sides in one wording, the aspects of a side in one sentence."""
    wordings = source.choice(PROSE)
    return " ".join(
        wording.format(" and ".join(source.choice(aspect.words["en"]) for aspect in side))
        for wording, side in zip(wordings, (taste.likes, taste.dislikes), strict=True)
        if side
    )
