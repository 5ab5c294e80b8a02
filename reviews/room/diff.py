"""Word diff between two texts. Pure: says which words stayed, went and came; the template shows them, escaped."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Literal

Kind = Literal["same", "del", "ins"]
Token = tuple[str, str]  # a word or one mark of punctuation, and the white space after it
Run = tuple[bool, int, int, int, int]  # whether it stayed; from and to in the old words; from and to in the new ones

_TOKEN = re.compile(r"(\w+(?:['’]\w+)*|[^\w\s]|^)(\s*)")
_LINE = re.compile(r"([^\n]*)(\n|$)")
_SENTENCE_ENDS = frozenset(".!?")
_PAUSES = frozenset(",;:")

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
    old_words, new_words = [word for word, _ in old], [word for word, _ in new]
    runs = _runs(SequenceMatcher(None, old_words, new_words, autojunk=False))
    for same, old_from, old_to, new_from, new_to in _slid(runs, old_words, new_words):
        if same:
            stayed = ""
            for (word, space_before), (_, space_after) in zip(old[old_from:old_to], new[new_from:new_to], strict=True):
                stayed += word
                if space_before == space_after:
                    stayed += space_before
                else:
                    yield Segment("same", stayed)
                    yield Segment("del", space_before)
                    yield Segment("ins", space_after)
                    stayed = ""
            yield Segment("same", stayed)
        else:
            yield Segment("del", "".join(map("".join, old[old_from:old_to])))
            yield Segment("ins", "".join(map("".join, new[new_from:new_to])))


def _runs(matcher: "SequenceMatcher[str]") -> list[Run]:
    """The matcher's runs; a single word that stayed between two changes joins them, for it only breaks the reading."""
    runs: list[Run] = []
    opcodes = matcher.get_opcodes()
    for number, (tag, old_from, old_to, new_from, new_to) in enumerate(opcodes):
        between = 0 < number < len(opcodes) - 1
        same = tag == "equal" and not (between and old_to - old_from == 1)
        if runs and not same and not runs[-1][0]:
            runs[-1] = (False, runs[-1][1], old_to, runs[-1][3], new_to)
        else:
            runs.append((same, old_from, old_to, new_from, new_to))
    return runs


def _slid(runs: list[Run], old: Sequence[str], new: Sequence[str]) -> list[Run]:
    """A sentence that came or went, shown from its start: "A. B. C." to "A. C." lost "B. ", and not ". B".

    What is between equal words can often be moved along them: both readings are right, one is easier.
    """
    slid = list(runs)
    for at in range(1, len(slid) - 1):
        same, old_from, old_to, new_from, new_to = slid[at]
        if same or (old_from < old_to and new_from < new_to):
            continue
        words, start, end = (old, old_from, old_to) if old_from < old_to else (new, new_from, new_to)
        (_, p0, p1, p2, p3), (_, n0, n1, n2, n3) = slid[at - 1], slid[at + 1]
        left = _equal((words[start - 1 - k], words[end - 1 - k]) for k in range(p1 - p0))
        right = _equal((words[start + k], words[end + k]) for k in range(n1 - n0))
        by = max(range(-left, right + 1), key=lambda k: (_starts_well(words, start + k), -abs(k)))
        slid[at - 1] = (True, p0, p1 + by, p2, p3 + by)
        slid[at] = (False, old_from + by, old_to + by, new_from + by, new_to + by)
        slid[at + 1] = (True, n0 + by, n1, n2 + by, n3)
    return slid


def _equal(pairs: Iterable[tuple[str, str]]) -> int:
    """How many pairs are equal before the first that is not."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _starts_well(words: Sequence[str], at: int) -> int:
    """How good a place this is to begin reading: after a sentence, after a comma, or in the middle."""
    before = words[at - 1] if at else "."
    return 2 if before in _SENTENCE_ENDS else int(before in _PAUSES)


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
