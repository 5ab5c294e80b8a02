"""Does a list move the way a correction asks? By style, language and kind of aspect; and if not, whose fault it is."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.steering import corrections, measures
from benchmarks.steering.corrections import Aspect, Correction
from benchmarks.steering.lists import Lists
from benchmarks.steering.measures import Outcome
from recommender.grounding.statements import Statement
from recommender.models import EndUser
from recommender.statements.queries import OPINIONS

KINDS = ("genre", "creator", "period", "title", "content")
GOALS = {"attributes": 0.95, "contents": 0.8}
MOST_WRONG, MOST_UNMOVABLE = 0.01, 0.1


@dataclass(frozen=True, slots=True)
class Tried:
    """One correction of one end user's list. `blame`: empty where the list moved as asked, or cannot move.

    `understood`: some opinion was read; `as_meant`: of this very aspect, with this polarity; `unsure`: of the aspect it
    was not sure which way round it is meant, so that it moved nothing and the person would be asked.
    """

    correction: Correction
    outcome: Outcome
    understood: bool
    as_meant: bool
    unsure: bool
    blame: str


def measure(lists: Lists, pairs: int, *, seed: int = 0) -> list[Tried]:
    """Styles, kinds and polarities take turns; end users, aspects and wordings are drawn."""
    source = random.Random(seed)
    kinds = [kind for kind in KINDS if lists.aspects.get(kind)]
    styles = corrections.styles()
    drawn: list[tuple[EndUser, Correction]] = []
    for number in range(pairs):
        style, kind = styles[number % len(styles)], kinds[number // len(styles) % len(kinds)]
        end_user = source.choice(lists.end_users)
        aspect = source.choice(lists.aspects[kind])
        if kind == "title":  # somebody speaks of films they have not met
            unseen = set(lists.before(end_user).names)
            aspect = source.choice([one for one in lists.aspects[kind] if one.items <= unseen])
        up = bool(number // (len(styles) * len(kinds)) % 2)
        drawn.append((end_user, corrections.draw(source, style, aspect, up=up)))
    lists.learn(correction.text for _, correction in drawn)
    return [_try(lists, end_user, correction) for end_user, correction in drawn]


def _try(lists: Lists, end_user: EndUser, correction: Correction) -> Tried:
    aspect, before = correction.aspect, lists.before(end_user)
    heard = lists.hear(correction.text)
    opinions = [one for one in heard.opinions if one.polarity in OPINIONS]
    said = lists.said(correction.text, by_person=True)
    found = measures.outcome(before.scores, lists.after(end_user, said), before.meets(aspect), up=correction.up)
    asked = "likes" if correction.up else "dislikes"
    as_meant = any(one.polarity == asked and _is_about(one, aspect) for one in opinions)
    unsure = any(_is_about(one, aspect) for one in heard.unsure)
    blame = ""
    if found in ("still", "wrong"):
        if unsure and found == "still":
            blame = "unsure"
        elif not opinions:
            blame = "nothing read"
        elif not as_meant:
            polarities = {one.polarity for one in opinions}
            blame = "polarity read wrong" if asked not in polarities else "aspect read wrong"
        else:
            moved = lists.steering(end_user, said).moves
            missed = "size" if aspect.facets else "other items met"
            blame = missed if moved else "no item met"
    return Tried(correction, found, bool(opinions), as_meant, unsure, blame)


def _is_about(said: Statement, aspect: Aspect) -> bool:
    return set(said.aspect) == set(aspect.facets) if aspect.facets else said.aspect[0].kind == "phrase"


def summary(tried: Sequence[Tried]) -> dict[str, Any]:
    """Shares by group, and the goals."""
    groups: dict[str, Callable[[Tried], bool]] = {
        "all": lambda one: True,
        "attributes": lambda one: one.correction.aspect.kind != "content",
        "contents": lambda one: one.correction.aspect.kind == "content",
        "English": lambda one: one.correction.style.language == "en",
        "English, held out": lambda one: one.correction.style.language == "en" and one.correction.style.held_out,
        "English attributes": lambda one: (
            one.correction.style.language == "en" and one.correction.aspect.kind != "content"
        ),
    }
    groups |= {f"kind {kind}": (lambda one, kind=kind: one.correction.aspect.kind == kind) for kind in KINDS}  # type: ignore[misc]
    for style in corrections.styles():
        name = f"style {style.name}{', held out' if style.held_out else ''}"
        groups[name] = lambda one, style=style: one.correction.style is style  # type: ignore[misc]
    rows = {name: _row([one for one in tried if belongs(one)]) for name, belongs in groups.items()}
    return {name: row for name, row in rows.items() if row["pairs"]}


def _row(tried: Sequence[Tried]) -> dict[str, Any]:
    found = [one.outcome for one in tried]
    return {
        "pairs": len(tried),
        **{name: round(measures.share(found, name), 4) for name in ("right", "still", "wrong")},
        **{f"{name}_95": _written(measures.interval(found, name)) for name in ("right", "wrong")},
        "unsure": round(sum(one.unsure for one in tried) / len(tried), 4) if tried else None,
        "cannot": round(found.count("cannot") / len(found), 4) if found else None,
        "understood": round(sum(one.understood for one in tried) / len(tried), 4) if tried else None,
        "as_meant": round(sum(one.as_meant for one in tried) / len(tried), 4) if tried else None,
        "blame": dict(Counter(one.blame for one in tried if one.blame).most_common()),
    }


def _written(interval: tuple[float, float]) -> str:
    return "[{:.3f}, {:.3f}]".format(*interval)


def faults(tried: Sequence[Tried]) -> list[str]:
    """Corrections that failed, of the styles that may be looked at."""
    return [f"{one.blame}: {one.correction.text}" for one in tried if one.blame and not one.correction.style.held_out]
