"""Does steering by honest texts harm what is recommended? The test part with it against without it, paired."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.steering import texts
from benchmarks.steering.lists import Lists
from recommender.artifacts.ranker import Ranker
from recommender.measures import bootstrap
from recommender.measures.bootstrap import Interval
from recommender.measures.statistics import Mean
from recommender.models import VersionState
from recommender.promotion.measure import K
from recommender.promotion.measure import measure as rank
from recommender.promotion.test_bed import TestBed, Tested, make_test_bed


@dataclass(frozen=True)
class Steered:
    """A ranker whose scores statements have moved. `logits`: by end user, of every item of the test bed."""

    ranker: Ranker
    logits: Mapping[str, NDArray[np.float64]]
    end_users: Mapping[str, int]

    def score(self, name: str, *given: Any, **further: Any) -> NDArray[np.float64]:
        scores = self.ranker.score(name, *given, **further)
        if name not in self.logits:
            return scores
        odds = np.clip(scores, 1e-9, 1 - 1e-9)
        return np.asarray(1 / (1 + np.exp(-(np.log(odds / (1 - odds)) + self.logits[name]))))


def measure(lists: Lists, users: int, *, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Texts are written from what stands before the test part alone, as a model writes and a person approves them."""
    version = lists.catalog.backbone_versions.get(state=VersionState.ACTIVE)
    bed = make_test_bed(version, version, most=users)
    plain = rank(bed, lists.ranker, hidden=frozenset())
    source = random.Random(seed)
    found = {}
    for name in ("templates", "prose"):
        written = {one.name: _text(lists, one, name, source) for one in bed.tested}
        said = {who: lists.said(text, by_person=False) for who, text in written.items()}
        logits = {who: _logits(lists, bed, who, acts) for who, acts in said.items() if acts}
        moved = rank(bed, Steered(lists.ranker, logits, lists.ranker.end_users), hidden=frozenset())  # type: ignore[arg-type]
        row: dict[str, Any] = {"end_users": len(bed.tested), "steered": len(logits)}
        row["statements"] = round(sum(map(len, said.values())) / max(1, len(bed.tested)), 2)
        label = np.concatenate([one.liked for one in bed.tested])
        owner = np.repeat(np.arange(len(bed.tested)), [len(one.items) for one in bed.tested])
        for metric in ("auc", "gauc"):
            of = bootstrap.scores(
                label, moved.probability[None], owner, against=plain.probability[None], metrics=[metric]
            )
            row[metric] = _shown(of[metric])
        lists_of = [[Mean.over_end_users(one.ranks.ndcg(K))] for one in (moved, plain)]
        row["ndcg@10"] = _shown(bootstrap.interval(lists_of[0], against=lists_of[1]))
        found[name] = row
    return found


def _text(lists: Lists, tested: Tested, how: str, source: random.Random) -> str:
    threshold = lists.catalog.like_threshold
    rated = [
        (past.item_id, past.label == 1 if past.label is not None else (past.rating or 0) > threshold)
        for past in tested.history
        if past.label is not None or past.rating is not None
    ]
    aspects = [one for kind in ("genre", "creator", "period") for one in lists.aspects.get(kind, [])]
    taste = texts.taste_of(rated, aspects)
    return texts.template(taste) if how == "templates" else texts.prose(taste, source)


def _logits(lists: Lists, bed: TestBed, name: str, said: Sequence[Any]) -> NDArray[np.float64]:
    end_user = next(one for one in lists.end_users if one.external_id == name)
    index = lists.before(end_user).request.index
    place_of = {item: place for place, item in enumerate(index.external_ids)}
    offsets = lists.steering(end_user, said).offsets
    return np.array([offsets[place_of[item]] for item in bed.items]) if len(offsets) else np.zeros(len(bed.items))


def _shown(interval: Interval | None) -> str:
    return f"{interval.estimate:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]" if interval else "–"
