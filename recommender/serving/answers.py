"""What an LLM answered about items, as it moves a backbone's scores: from the list that a scoring run left.

Only while that list is about the end user as they are now, and only scores of the scorer that the version learned how
to weigh (signals.llm_scores). Everybody else's list stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.models import ScoredList
from recommender.serving.types import AdapterShare, Moment, ScoredReason
from recommender.signals import stated
from recommender.signals.llm_scores import Blend
from recommender.thinkrec.experts.acting import Acting
from recommender.thinkrec.scoring.lists import ScoredItem


@dataclass(frozen=True, slots=True)
class Answers:
    """`effects`: what is added to an item's logit, by external id, never 0; `reasons`: what was answered about it."""

    effects: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, ScoredReason] = field(default_factory=dict)

    def moved(self, scores: NDArray[np.float64], item_ids: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities of these items (n) after the effects."""
        return stated.moved(scores, np.array([self.effects.get(item_id, 0.0) for item_id in item_ids]))


def weighed(found: ScoredList, blend: Blend, *, clock: str) -> Answers:
    """What a list's scores do by the weight that a version learned."""
    column = "yes" if found.run.config.get("score") == "yes" else "log_odds"
    items = [one for one in map(ScoredItem.from_json, found.items) if getattr(one, column) is not None]
    offsets = blend.offset(np.array([getattr(one, column) for one in items], dtype=np.float64))
    effects = {one.item_id: float(effect) for one, effect in zip(items, offsets, strict=True) if effect != 0}
    adapters = adapters_of(found)
    reasons = {
        one.item_id: reason(one, found, adapters, clock, effect=round(effects[one.item_id], 4))
        for one in items
        if one.item_id in effects
    }
    return Answers(effects, reasons)


def adapters_of(found: ScoredList) -> tuple[AdapterShare, ...]:
    """Those of a tuned model that made the list's scores."""
    shares = Acting.from_json(found.experts).shares if found.experts else []
    return tuple(AdapterShare(name, part) for name, part in shares)


def reason(
    one: ScoredItem, found: ScoredList, adapters: tuple[AdapterShare, ...], clock: str, *, effect: float | None = None
) -> ScoredReason:
    return ScoredReason(
        text=one.text,
        verdict=one.verdict,
        agrees=one.agrees,
        note=one.note,
        log_odds=one.log_odds,
        model=found.model,
        prompt=found.prompt,
        as_of=Moment(found.as_of, clock),
        scored_at=found.created_at,
        adapters=adapters,
        effect=effect,
        probability=one.probability,
        cut_off=one.cut_off,
    )
