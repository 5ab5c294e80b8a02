"""What stands over a list or before a colon, and what it says of all that follows."""

from collections.abc import Sequence
from typing import Literal

from recommender.grounding import tables
from recommender.grounding.cues import NOTHING, Language, cues_in
from recommender.grounding.links import NEGATORS
from recommender.grounding.scores import scores_in
from recommender.grounding.words import Token

Label = Literal["likes", "dislikes", "mixed", "taste", "same", "exception", "nothing", ""]
POLARITIES: dict[Label, int] = {"likes": 1, "dislikes": -1, "mixed": 0, "nothing": NOTHING}
LONGEST = 8  # words
_LABELS: dict[str, Label] = {line: label for label, known in tables.sections("labels").items() for line in known}  # type: ignore[misc]
_BY_POLARITY: dict[int | None, Label] = {1: "likes", -1: "dislikes", 0: "mixed", NOTHING: "nothing", None: ""}


def label_of(tokens: Sequence[Token], language: Language) -> Label:
    """What a headline says: by the table, or by the first expression of liking in it."""
    words = [token.word for token in tokens if token.is_word]
    for begin in range(len(words)):
        for end in (len(words), len(words) - 1):
            if label := _LABELS.get(" ".join(words[begin:end])):
                return label
        if begin == 0 and len(words) > 1 and words[0] not in NEGATORS and (label := _LABELS.get(words[0])):
            return label
        if words[begin] in NEGATORS:
            break
    scores = scores_in(tokens, [False] * len(tokens))
    if scores:
        return _BY_POLARITY[scores[0].polarity]
    cues = [cue for cue in cues_in(tokens, [False] * len(tokens), language) if cue.polarity is not None]
    if not cues:
        return ""
    negated = any(word in NEGATORS for word in words[: cues[0].begin]) and cues[0].polarity == 1
    return "dislikes" if negated else _BY_POLARITY[cues[0].polarity]
