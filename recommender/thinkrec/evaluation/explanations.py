"""Explanations held against traces that people approved and that are set apart for tests (METHODS.md 2.8, 2.10).

The model is asked by the prompt that traces are asked by, which is none of those it was tuned on, as ThinkRec's is. It
is compared without the first word, Yes or No, which is judged by the rating. How near a text is to an approved one
says nothing about whether it is true.
"""

from dataclasses import dataclass
from datetime import datetime

from recommender.llm.types import Prompt
from recommender.measures.texts import Encode, meteor, rouge_l, similarities
from recommender.models import Catalog, Round, Strategy
from recommender.rounds import approved
from recommender.rounds.core.prompts.thinkrec import render_trace
from recommender.rounds.core.trace_answers import answer_of
from recommender.rounds.core.types import Subject
from recommender.thinkrec.scoring.answers import freed

NEARNESS = ("meteor", "rouge_l", "similarity")


@dataclass(frozen=True, slots=True)
class Approved:
    """One approved trace set apart for tests. `turn`, `end_user`: primary keys; `text`: without its first word."""

    turn: int
    end_user: int
    prompt: Prompt
    liked: bool
    text: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A model's explanation. `liked`: what it begins with; None where that is neither Yes nor No."""

    liked: bool | None
    meteor: float
    rouge_l: float
    similarity: float


def apart(catalog: Catalog) -> set[int]:
    """Primary keys of the interactions that explanations are tested on: nothing may learn from their rating."""
    told = Round.objects.filter(catalog=catalog, strategy=Strategy.TRACE, held_out=True).values_list(
        "evidence", flat=True
    )
    asked = (Subject.from_json(evidence).asked for evidence in told.iterator())
    return {one[0].interaction_id for one in asked if one and one[0].interaction_id is not None}


def approved_apart(catalog: Catalog, *, most: int, before: datetime | None = None) -> tuple[list[Approved], int]:
    """At most `most` approved traces set apart for tests, and how many are left out for the model may know the rating.

    `before`: when its tuning was asked for; rows that were set apart later may have been learnt.
    """
    turns = approved.texts(Strategy.TRACE).filter(round__catalog=catalog, round__held_out=True)
    fitting = turns if before is None else turns.filter(round__created_at__lt=before)
    found = []
    for turn in fitting.select_related("round").order_by("pk")[:most]:
        subject = Subject.from_json(turn.round.evidence)
        end_user, liked = turn.round.end_user_id, subject.asked[0].liked if subject.asked else None
        if end_user is not None and liked is not None:
            found.append(Approved(turn.pk, end_user, render_trace(subject), liked, _reasons(turn.text)))
    return found, turns.count() - fitting.count()


def compared(text: str, with_: Approved, encode: Encode) -> Compared:
    text = freed(text)
    answer, reasons = answer_of(text), _reasons(text)
    return Compared(
        answer[0] if answer else None,
        meteor(reasons, with_.text),
        rouge_l(reasons, with_.text).f,
        float(similarities([reasons], [with_.text], encode)[0]),
    )


def _reasons(text: str) -> str:
    answer = answer_of(text)
    return answer[1] if answer else text
