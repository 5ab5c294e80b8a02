"""What a run goes without, so that each part of ThinkRec can be told apart. Tuning and scoring share it.

Pure. Thinking and experts are the published ablations (METHODS.md 2.10); keywords and vectors are added.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field

from recommender.setting import Choice, OneOf

PARTS: Mapping[str, Choice] = {
    "thinking": Choice("thinking", "nothing is learnt from traces, and no answer is reasoned"),
    "experts": Choice("experts", "the global adapter answers for everybody"),
    "vectors": Choice("collaborative vectors", "prompts are text alone"),
    "keywords": Choice("keywords", "items are shown by their titles alone"),
    "all-but-global": Choice("all but the global adapter", "neither experts nor vectors"),
}
_TOGETHER: Mapping[str, frozenset[str]] = {"all-but-global": frozenset({"experts", "vectors"})}

Without = Annotated[
    tuple[Annotated[str, OneOf(PARTS)], ...],
    Field(strict=False, title="Without", description="What is left out, to see what it is worth."),
]


def left_out(*several: Iterable[str]) -> frozenset[str]:
    """The single parts that these leave out together: of PARTS all but "all-but-global"."""
    return frozenset(part for names in several for name in names for part in _TOGETHER.get(name, {name}))


def words(parts: Iterable[str]) -> str:
    """` without keywords, experts` after the name of a model; empty where nothing is left out."""
    told = ", ".join(PARTS[name].label for name in PARTS if name in set(parts))
    return f" without {told}" if told else ""
