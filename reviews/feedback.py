"""How to call what people did with items: rated, liked, disliked or only met them. Likes are no ratings. Pure."""

from collections.abc import Iterable, Sequence
from typing import Protocol

NOUNS = {"rated": "ratings", "liked": "likes", "disliked": "dislikes"}


class Said(Protocol):
    """What somebody said of an item. `liked`: None where it is not known."""

    @property
    def rating(self) -> float | None: ...

    @property
    def liked(self) -> bool | None: ...


def noun(history: Iterable[Said]) -> str:
    """“ratings”, “likes”, “likes and dislikes”, “ratings and likes”; “history” where something was only met, or of
    nothing."""
    kinds = _kinds(history)
    return "history" if not kinds or "met" in kinds else _joined([NOUNS[kind] for kind in kinds], "and")


def verb(history: Iterable[Said]) -> str:
    """“rated”, “liked”, “liked or disliked”, and of what was only met “met”."""
    return _joined(_kinds(history), "or")


def before(whose: str, history: Sequence[Said]) -> str:
    """A heading for what came before an item, which is the last of the history."""
    earlier = len(history) - 1
    return f"{whose} last {earlier} {noun(history)}" if earlier > 0 else f"{whose} {noun(history)}"


def _kinds(history: Iterable[Said]) -> list[str]:
    found = {_kind(met) for met in history}
    return [kind for kind in (*NOUNS, "met") if kind in found]


def _kind(met: Said) -> str:
    return "rated" if met.rating is not None else {True: "liked", False: "disliked", None: "met"}[met.liked]


def _joined(words: list[str], last: str) -> str:
    return f" {last} ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)
