"""How far a list moves, as TEARS measures it (arXiv 2410.19302), over the knob."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.steering import measures, texts
from benchmarks.steering.corrections import Aspect
from benchmarks.steering.lists import Lists
from recommender.models import EndUser
from recommender.statements.queries import Acting

KNOBS = (0.0, 0.5, 1.0, 2.0, 4.0)
K = 20
FROM, TO = 100, 500  # where a target of a small edit stands
TARGETS = 3  # of each end user


def measure(lists: Lists, users: int, *, seed: int = 0) -> dict[str, dict[str, Any]]:
    """`up`, `down`: change of the genre-wise NDCG@20 of the least favourite and of the favourite genre once the text
    has them the other way round. `by title`, `by genre`: median of how many ranks a target rises that stood between 100
    and 500, once one sentence names it, or one of its genres; `risen`: the share that rose at all.
    """
    source = random.Random(seed)
    chosen = source.sample(lists.end_users, min(users, len(lists.end_users)))
    pairs = [(end_user, *found) for end_user in chosen if (found := _extremes(lists, end_user))]
    edits = [edit for end_user, best, worst in pairs for edit in _targets(lists, end_user, best, worst, source)]
    return {f"knob {knob:g}": _at(lists, pairs, edits, knob) for knob in KNOBS}


def _extremes(lists: Lists, end_user: EndUser) -> tuple[Aspect, Aspect] | None:
    history = lists.before(end_user).request.history
    rated = [(past.item_id, past.liked) for past in history if past.liked is not None]
    taste = texts.taste_of(rated, lists.aspects["genre"], most=1)
    return (taste.likes[0], taste.dislikes[0]) if taste.likes and taste.dislikes else None


def _targets(
    lists: Lists, end_user: EndUser, best: Aspect, worst: Aspect, source: random.Random
) -> list[tuple[EndUser, list[Acting], int, dict[str, list[Acting]]]]:
    """Of each: the text's statements, the target's place among the candidates, and what each edit adds."""
    said = _text(lists, best, worst, by_person=False)
    before = lists.before(end_user)
    ranks = measures.ranks_of(lists.after(end_user, said))
    places = np.flatnonzero((ranks >= FROM) & (ranks <= TO)).tolist()
    titles = {next(iter(one.items)): one for one in lists.aspects["title"]}
    found = []
    for place in source.sample(places, min(TARGETS, len(places))):
        name = before.names[place]
        genres = [one for one in lists.aspects["genre"] if name in one.items and one is not best]
        if not genres:
            continue
        edits = {"title": titles[name], "genre": source.choice(genres)}
        adding = {
            kind: lists.said(f"They love {one.words['en'][0]}.", by_person=True, first=100)
            for kind, one in edits.items()
        }
        found.append((end_user, said, place, adding))
    return found


def _text(lists: Lists, liked: Aspect, avoided: Aspect, *, by_person: bool) -> list[Acting]:
    text = f"They love {liked.words['en'][0]}. They avoid {avoided.words['en'][0]}."
    return lists.said(text, by_person=by_person)


def _at(
    lists: Lists,
    pairs: Sequence[tuple[EndUser, Aspect, Aspect]],
    edits: Sequence[tuple[EndUser, list[Acting], int, dict[str, list[Acting]]]],
    knob: float,
) -> dict[str, Any]:
    ups, downs = [], []
    for end_user, best, worst in pairs:
        first = lists.after(end_user, _text(lists, best, worst, by_person=False), knob=knob)
        swapped = lists.after(end_user, _text(lists, worst, best, by_person=True), knob=knob)
        for aspect, changes in ((worst, ups), (best, downs)):
            meets = lists.before(end_user).meets(aspect)
            changes.append(measures.ndcg(swapped, meets, k=K) - measures.ndcg(first, meets, k=K))
    row: dict[str, Any] = {"users": len(pairs), "up": _mean(ups), "down": _mean(downs), "targets": len(edits)}
    for kind in ("title", "genre"):
        risen = []
        for end_user, said, place, adding in edits:
            first = measures.ranks_of(lists.after(end_user, said, knob=knob))[place]
            kept = [one for one in said if one.said.key not in {new.said.key for new in adding[kind]}]
            after = measures.ranks_of(lists.after(end_user, [*kept, *adding[kind]], knob=knob))[place]
            risen.append(int(first - after))
        row[f"by {kind}"] = float(np.median(risen)) if risen else float("nan")
        row[f"risen by {kind}"] = float(np.mean(np.array(risen) > 0)) if risen else float("nan")
    return row


def _mean(values: Sequence[float]) -> float:
    return round(float(np.nanmean(values)), 4) if values else float("nan")
