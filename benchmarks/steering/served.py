"""Of lists as they are served, with texts in force: what steering costs, and whether reasons are what they say.

Everything is undone at the end, so that another run meets the same catalog.
"""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from benchmarks.steering import texts
from benchmarks.steering.lists import Lists
from recommender.grounding.statements import Facet
from recommender.knowledge.service import accept
from recommender.models import EndUser, RoundState
from recommender.serving.recommend import preview, recommend
from recommender.serving.served import Served, ServedItem
from recommender.serving.types import StatementReason
from recommender.statements.queries import Acting, acting
from tests.builders import make_round

STATEMENTS = 10
WARM, TIMED = 10, 60
LISTED = 10
UNTOUCHED = 20  # end users whose lists must stay as they are
# Served items with a citation, citations, those that lowered their item when taken away, more than another statement of
# the same end user, so many of which could be compared; citations that contradict their item; lists of others moved.
COUNTED = ("items", "cited", "lowered", "more_than_another", "compared", "contradicting", "others_moved")


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def approve(end_user: EndUser, text: str) -> None:
    accept(make_round(end_user, ("reason", text), state=RoundState.RESTING).turns.get())


def cost(lists: Lists, users: int, *, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Milliseconds of recommend(), warm, half of them with ten statements and half with steering at 0, by turns."""
    source = random.Random(seed)
    found: dict[str, dict[str, Any]] = {}
    aspects = [one for kind in ("genre", "period", "creator") for one in lists.aspects.get(kind, [])]
    with undone():
        chosen = source.sample(lists.end_users, min(users, 20))
        for end_user in chosen:
            picked = source.sample(aspects, STATEMENTS)
            approve(end_user, texts.template(texts.Taste(picked[: STATEMENTS // 2], picked[STATEMENTS // 2 :])))
        for level in ("none", "full"):
            took: dict[float, list[float]] = {0.0: [], 1.0: []}
            queries: dict[float, int] = {}
            for number in range(WARM + TIMED):
                end_user = chosen[number % len(chosen)]
                for knob in took:
                    end_user.catalog.steering = knob
                    began = time.perf_counter()
                    recommend(end_user, limit=LISTED, level=level)  # type: ignore[arg-type]
                    took[knob].append((time.perf_counter() - began) * 1000)
            for knob in took:
                chosen[0].catalog.steering = knob
                with CaptureQueriesContext(
                    connection,
                ) as caught:
                    recommend(chosen[0], limit=LISTED, level=level)  # type: ignore[arg-type]
                queries[knob] = len(caught)
            off, on = (float(np.median(took[knob][WARM:])) for knob in (0.0, 1.0))
            statements = float(np.mean([len(acting(end_user)) for end_user in chosen]))
            found[f"explain {level}"] = {
                "statements": statements,
                "without_ms": round(off, 2),
                "with_ms": round(on, 2),
                "ratio": round(on / off, 3),
                "more_queries": queries[1.0] - queries[0.0],
            }
    return found


def reasons(lists: Lists, users: int, *, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Of every statement that a served item cites as what raised it: is it so?"""
    source = random.Random(seed)
    counts = dict.fromkeys(
        ("items", "cited", "lowered", "more_than_another", "compared", "contradicting", "others_moved"), 0
    )
    with undone():
        chosen = source.sample(lists.end_users, min(users, len(lists.end_users)))
        others = [one for one in lists.end_users if one not in chosen][:UNTOUCHED]
        untouched = [preview(one, limit=LISTED).items for one in others]
        for end_user in chosen:
            end_user.catalog.steering = 1.0
            history = lists.before(end_user).request.history
            rated = [(past.item_id, past.liked) for past in history if past.liked is not None]
            aspects = [one for kind in ("genre", "creator", "period") for one in lists.aspects.get(kind, [])]
            text = texts.template(texts.taste_of(rated, aspects, most=4))
            if text:
                approve(end_user, text)
                _check(lists, end_user, preview(end_user, limit=LISTED, level="full"), counts, source)
        counts["others_moved"] = sum(
            preview(one, limit=LISTED).items != before for one, before in zip(others, untouched, strict=True)
        )
    return {"reasons": counts}


def _check(lists: Lists, end_user: EndUser, served: Served, counts: dict[str, int], source: random.Random) -> None:
    said = {one.pk: one for one in acting(end_user)}
    before = lists.before(end_user)
    place_of = {name: place for place, name in enumerate(before.names)}
    scores = lists.after(end_user, list(said.values()))

    def without(pk: int, place: int) -> float:
        left = [one for one in said.values() if one.pk != pk]
        return float(scores[place] - lists.after(end_user, left)[place])

    for item in served.items:
        cited = _raising(item)
        counts["items"] += bool(cited)
        place = place_of[item.item_id]
        for one in cited:
            drop = without(one.statement_id, place)
            counts["cited"] += 1
            counts["lowered"] += drop > 0
            counts["contradicting"] += not _is_so(lists, item, said[one.statement_id]) or one.polarity != "likes"
            further = [pk for pk in said if pk not in {other.statement_id for other in cited}]
            if further:
                counts["compared"] += 1
                counts["more_than_another"] += drop > without(source.choice(further), place)


def _raising(item: ServedItem) -> Sequence[StatementReason]:
    return [reason for reason in item.of(StatementReason) if reason.direction == "for"]


def _is_so(lists: Lists, item: ServedItem, said: Acting) -> bool:
    """Whether the item has all that the statement speaks of, seen apart from steering."""
    title, given = next((title, given) for name, title, given in lists.items if name == item.item_id)
    return said.said.polarity == "likes" and all(_has(facet, item.item_id, title, given) for facet in said.said.aspect)


def _has(facet: Facet, name: str, title: str, given: dict[str, Any]) -> bool:
    if facet.kind == "attribute":
        value = given.get(facet.name, [])
        return facet.value in (value if isinstance(value, list) else [str(value)])
    if facet.kind == "period":
        first, last = facet.years
        return first <= int(given.get("year") or title[-5:-1]) <= last
    return facet.kind != "title" or facet.value == name
