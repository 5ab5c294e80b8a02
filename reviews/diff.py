"""Word diff between two texts. Pure: says which words stayed, went and came; the template shows them, escaped."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "del", "ins"]
Token = tuple[str, str]  # a word or one mark of punctuation, and the white space after it

_TOKEN = re.compile(r"(\w+(?:['’]\w+)*|[^\w\s]|^)(\s*)")
_LINE = re.compile(r"([^\n]*)(\n|$)")

# The comparison takes time in the square of the tokens where they repeat much: longer texts are compared by lines,
# and texts of too many lines are shown as one replaced by the other.
MOST_TOKENS = 2000


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of text. `same` is in both texts, `del` only in the old one, `ins` only in the new one."""

    kind: Kind
    text: str


def word_diff(old: str, new: str) -> list[Segment]:
    """Old to new by words. `same` and `del` joined give `old`; `same` and `ins` joined give `new`."""
    for pattern in (_TOKEN, _LINE):
        before, after = pattern.findall(old), pattern.findall(new)
        if len(before) + len(after) <= MOST_TOKENS:
            return _merged(_compared(before, after))
    return _merged(iter((Segment("del", old), Segment("ins", new))))


def _compared(old: Sequence[Token], new: Sequence[Token]) -> Iterator[Segment]:
    """Compare the words alone, so that "good." and "good and" share "good"; white space is compared afterwards."""
    matcher = SequenceMatcher(None, [word for word, _ in old], [word for word, _ in new], autojunk=False)
    for same, old_from, old_to, new_from, new_to in _runs(matcher):
        if same:
            for (word, space_before), (_, space_after) in zip(old[old_from:old_to], new[new_from:new_to], strict=True):
                yield Segment("same", word)
                if space_before == space_after:
                    yield Segment("same", space_before)
                else:
                    yield Segment("del", space_before)
                    yield Segment("ins", space_after)
        else:
            yield Segment("del", "".join(map("".join, old[old_from:old_to])))
            yield Segment("ins", "".join(map("".join, new[new_from:new_to])))


def _runs(matcher: "SequenceMatcher[str]") -> list[tuple[bool, int, int, int, int]]:
    """The matcher's runs; a single word that stayed between two changes joins them, for it only breaks the reading."""
    runs: list[tuple[bool, int, int, int, int]] = []
    opcodes = matcher.get_opcodes()
    for number, (tag, old_from, old_to, new_from, new_to) in enumerate(opcodes):
        between = 0 < number < len(opcodes) - 1
        same = tag == "equal" and not (between and old_to - old_from == 1)
        if runs and not same and not runs[-1][0]:
            runs[-1] = (False, runs[-1][1], old_to, runs[-1][3], new_to)
        else:
            runs.append((same, old_from, old_to, new_from, new_to))
    return runs


def _merged(segments: Iterator[Segment]) -> list[Segment]:
    """Neighbours of one kind as one; none empty."""
    merged: list[Segment] = []
    for segment in segments:
        if not segment.text:
            continue
        if merged and merged[-1].kind == segment.kind:
            merged[-1] = Segment(segment.kind, merged[-1].text + segment.text)
        else:
            merged.append(segment)
    return merged
