"""How to call what people did with items: rated, liked or disliked them, or only met them. Likes are no ratings. Pure."""

from collections.abc import Iterable

Said = tuple[float | None, bool | None]  # a rating, and whether it was liked
NOUNS = {"rated": "ratings", "liked": "likes", "disliked": "dislikes"}


def noun(said: Iterable[Said]) -> str:
    """“ratings”, “likes”, “likes and dislikes”, “ratings and likes”; “history” where something was only met, or all is
    new."""
    kinds = _kinds(said)
    return "history" if not kinds or "met" in kinds else _joined([NOUNS[kind] for kind in kinds], "and")


def verb(said: Iterable[Said]) -> str:
    """“rated”, “liked”, “liked or disliked”, and with what was only met “met”."""
    return _joined(_kinds(said), "or")


def _kinds(said: Iterable[Said]) -> list[str]:
    found = {_kind(rating, liked) for rating, liked in said}
    return [kind for kind in (*NOUNS, "met") if kind in found]


def _kind(rating: float | None, liked: bool | None) -> str:
    if rating is not None:
        return "rated"
    return {True: "liked", False: "disliked", None: "met"}[liked]


def _joined(words: list[str], last: str) -> str:
    return f" {last} ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)
