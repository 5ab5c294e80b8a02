"""Say why: the texts about the end user and the item, and what of the history contributed to it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from recommender.grounding.sentences import sentences
from recommender.models import BackboneVersion, EndUser, Item, SubjectKind
from recommender.serving.attribution import named_by_backbone, sharing_attributes
from recommender.serving.history import PastInteraction
from recommender.serving.statements import Cited
from recommender.serving.texts import texts_about
from recommender.serving.types import Contribution, HistoryReason, Reason, StatedReason, TextReason
from recommender.serving.whom import Whom

PAST_ITEMS: Mapping[str, int] = {"short": 3, "full": 5}
LONGEST_SHORT_TEXT = 200
LEAST_SHORT_TEXT = 30  # characters: a first sentence below it says too little alone


def explain(
    whom: Whom,
    items: Sequence[Item],
    *,
    level: Literal["short", "full"],
    backbone: BackboneVersion | None,
    history: Sequence[PastInteraction],
    past: Mapping[int, Item],
    attribution: Mapping[int, Sequence[Contribution]] | None,
    cited: Mapping[int, Cited],
) -> dict[int, list[Reason]]:
    """The reasons of each item, by primary key.

    `past`: items of the history that may be named, by primary key. `attribution`: the ranker's own, by
    primary key and strongest first; None where it gives none. Then, and where nothing of the history raised an item's
    score, attributes shared with liked items are shown, and called that. `cited`: the statements that moved the item,
    by primary key.
    """
    end_user = whom if isinstance(whom, EndUser) else None
    texts = texts_about(end_user, [item.pk for item in items], snapshot=backbone.snapshot if backbone else None)
    attributes = whom.catalog.prompt_attributes
    most = PAST_ITEMS[level]
    reasons: dict[int, list[Reason]] = {}
    for item in items:
        subjects = (SubjectKind.END_USER, end_user.pk if end_user else 0), (SubjectKind.ITEM, item.pk)
        about: list[Reason] = _stated(cited.get(item.pk))
        about += [
            _with_statements(texts[subject] if level == "full" else _first_sentence(texts[subject]), cited.get(item.pk))
            for subject in subjects
            if subject in texts
        ]
        of_history: HistoryReason | None = None
        if attribution is not None:
            strongest = attribution.get(item.pk, ())[:most]
            of_history = named_by_backbone(item, strongest, history=history, past=past, attributes=attributes)
        if of_history is None:
            of_history = sharing_attributes(item, history=history, past=past, attributes=attributes, most=most)
        reasons[item.pk] = [*about, of_history] if of_history else about
    return reasons


def _with_statements(reason: TextReason, cited: Cited | None) -> TextReason:
    """An end user's approved text with those of its statements that moved the item, what weighs most first."""
    if cited is None or reason.kind != "user_preference" or reason.review_status != "approved":
        return reason
    raised, lowered = (tuple(one for one in each if one.statement_id) for each in (cited.raised, cited.lowered))
    return replace(reason, statements=raised, although=lowered)


def _stated(cited: Cited | None) -> list[Reason]:
    """What the request itself says of the item."""
    if cited is None:
        return []
    raised, lowered = (tuple(one for one in each if not one.statement_id) for each in (cited.raised, cited.lowered))
    return [StatedReason(raised, lowered)] if raised or lowered else []


def _first_sentence(reason: TextReason) -> TextReason:
    """A text's first sentence; what ends at a semicolon is none."""
    sentence = ""
    for part in sentences(" ".join(reason.text.split())):
        sentence = f"{sentence} {part}".lstrip()
        if len(sentence) >= LEAST_SHORT_TEXT and not sentence.endswith((";", "；")):
            break
    if len(sentence) > LONGEST_SHORT_TEXT:
        sentence = sentence[: LONGEST_SHORT_TEXT - 1].rsplit(" ", 1)[0] + "…"
    return replace(reason, text=sentence, further_texts=())
