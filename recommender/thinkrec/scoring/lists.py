"""The precomputed lists: what one holds, whether it is still about the history as it is, and how it is stored."""

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from django.utils import timezone

from recommender.llm.labels import Label
from recommender.llm.labels import label_of as model_label
from recommender.models import BackboneVersion, EndUser, Knowledge, ScoredList, ScoringRun
from recommender.thinkrec.experts.acting import Acting
from recommender.thinkrec.scoring.answers import Verdict, agrees, verdict_of
from recommender.thinkrec.scoring.people import preference_of
from recommender.thinkrec.scoring.scored import Column, Scored

Known = Iterable[tuple[str, bool | None, int]]  # item's external id, whether it was liked, moment; oldest first

UNSHOWN = ("Cc", "Cs", "Co", "Cn")  # categories of characters: controls, halves, and what is none
NO_LIST = "No LLM has scored a list for this end user yet."
HISTORY_CHANGED = "The history has changed since an LLM scored this list."
PREFERENCE_CHANGED = "What people approved about this end user has changed since an LLM scored this list."


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """One item of a list. `yes`, `log_odds`, `probability`: None where time ran out, or the model said neither word.

    `note`: what is to be known of the score. `text`: what the model reasoned before it answered; `verdict`: what that
    says; `cut_off`: whether its tokens ran out, so that it may end in the midst. `by_adapter` (1 + N): its score by
    each of a tuned model's adapters alone, the global one first; empty where these were not asked.
    """

    item_id: str
    yes: float | None
    log_odds: float | None
    probability: float | None
    note: str = ""
    text: str = ""
    verdict: Verdict = ""
    cut_off: bool = False
    by_adapter: Sequence[float | None] = ()

    @property
    def agrees(self) -> bool | None:
        """Whether the text's verdict is on the side of `probability`; None where one of them is on none."""
        return agrees(self.verdict, self.probability)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{name: value for name, value in data.items() if name != "agrees"})  # once stored, by log-odds


def history_hash(history: Known) -> str:
    """SHA-256, hexadecimal, of all that a list is made from but its candidates."""
    digest = hashlib.sha256()
    for item_id, liked, moment in history:
        digest.update(f"{item_id}\0{liked}\0{moment}\n".encode())
    return digest.hexdigest()


def scored_items(
    item_ids: Sequence[str], scored: Scored, probability: Column, by_adapter: Sequence[Column] = ()
) -> list[ScoredItem]:
    """The candidates by their probability (n), the best first; those without one last, in their order.

    `by_adapter`: scores (n) by each adapter alone.
    """
    rows = []
    for place, item_id in enumerate(item_ids):
        text = _shown(scored.texts[place]) if scored.texts else ""
        rows.append(
            ScoredItem(
                item_id,
                _or_none(scored.yes[place]),
                _or_none(scored.log_odds[place]),
                _or_none(probability[place]),
                note=scored.notes.get(place, ""),
                text=text,
                verdict=verdict_of(text),
                cut_off=place in scored.cut,
                by_adapter=[_or_none(column[place]) for column in by_adapter],
            )
        )
    order = np.argsort(-np.nan_to_num(probability, nan=-1.0), kind="stable")
    return [rows[place] for place in order.tolist()]


def store(
    run: ScoringRun,
    end_user: EndUser,
    items: Sequence[ScoredItem],
    *,
    backbone: BackboneVersion,
    model: str,
    prompt: tuple[str, str],
    history: Sequence[tuple[str, bool | None, int]],
    knowledge: Knowledge | None,
    with_preference: bool,
    experts: Acting | None = None,
) -> None:
    """Let this be the end user's list. `prompt`: its name and hash. `experts`: which adapters of a tuned model scored
    it. Call it inside a transaction."""
    values = {
        "catalog": end_user.catalog,
        "run": run,
        "backbone": backbone,
        "knowledge": knowledge,
        "with_preference": with_preference,
        "model": model[:200],
        "prompt": prompt[0],
        "prompt_hash": prompt[1],
        "history_hash": history_hash(history),
        "as_of": history[-1][2] + 1,
        "experts": experts.to_json() if experts else None,
        "items": [asdict(one) for one in items],
        "created_at": timezone.now(),
    }
    ScoredList.objects.update_or_create(end_user=end_user, defaults=values)


def read(end_user: EndUser) -> ScoredList | None:
    """The end user's list, with the backbone it began from and the run that made it."""
    lists = ScoredList.objects.select_related("backbone__snapshot", "run").defer(
        "backbone__metrics", "backbone__config"
    )
    return lists.filter(end_user=end_user).first()


def label_of(run: ScoringRun) -> Label | None:
    """What people should know of the model that a run scored by; None where nothing, or nobody knows which it was."""
    return model_label(str(run.metrics.get("base") or run.metrics.get("model", "")))


def why_stale(found: ScoredList, end_user: EndUser, history: Known) -> str:
    """Why a list is not about the end user as they are now, as a sentence; empty where it is."""
    if found.history_hash != history_hash(history):
        return HISTORY_CHANGED
    if found.with_preference:
        now = preference_of(end_user)
        if (now.pk if now else None) != found.knowledge_id:
            return PREFERENCE_CHANGED
    return ""


def _shown(text: str) -> str:
    """Without what no page can show and PostgreSQL does not store: a small model may write any byte."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in UNSHOWN).strip()


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)
