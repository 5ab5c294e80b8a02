"""How near a text is to a reference text: METEOR, ROUGE-L, and the cosine of an encoder's vectors. Numpy only.

None of them says whether a text is true or useful: ThinkRec's own figures measure how well its teacher is imitated.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.measures.stems import porter

ALPHA, BETA, GAMMA = 0.9, 3.0, 0.5  # METEOR's, as first published and as nltk has them
_ALONE = ("CJK ", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")  # scripts that put no blanks between words
_APOSTROPHES = "'’ʼ＇"
Encode = Callable[[list[str]], NDArray[np.floating[Any]]]  # the vectors (m, D) of m texts


class Overlap(NamedTuple):
    """Shares from 0 to 1."""

    precision: float
    recall: float
    f: float


def words(text: str) -> list[str]:
    """A text's words, folded: letters, digits and marks of any script, with apostrophes inside of a word.

    Of scripts without blanks between words each letter is a word.
    """
    found: list[str] = []
    open_, text = False, unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    for place, letter in enumerate(text):
        kind = unicodedata.category(letter)[0]
        if kind == "M" and found and place and (open_ or _is_alone(found[-1][0])):
            found[-1] += letter
        elif kind in "LN":
            alone = kind == "L" and not letter.isascii() and _is_alone(letter)
            if open_ and not alone:
                found[-1] += letter
            else:
                found.append(letter)
            open_ = not alone
        elif open_ and letter in _APOSTROPHES and text[place + 1 : place + 2].isalpha():
            found[-1] += "'"
        else:
            open_ = False
    return found


def meteor(text: str, reference: str) -> float:
    """METEOR (Banerjee & Lavie 2005, Lavie & Agarwal 2007) by exact words, then by Porter's stems, from 0 to 1.

    F = PR / (αP + (1 - α)R), less a penalty γ (chunks / matches)^β for words in another order. Without synonyms, since
    there is no WordNet here. Words are aligned as nltk does, from the end, the last with the last: the papers ask for
    the alignment that crosses least.
    """
    ours, theirs = words(text), words(reference)
    matches = sorted(_aligned(ours, theirs))
    if not matches:
        return 0.0
    precision, recall = len(matches) / len(ours), len(matches) / len(theirs)
    mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
    chunks = 1 + sum((b[0] - a[0], b[1] - a[1]) != (1, 1) for a, b in pairwise(matches))
    return mean * float(1 - GAMMA * (chunks / len(matches)) ** BETA)


def rouge_l(text: str, reference: str, *, beta: float = 1.0) -> Overlap:
    """ROUGE-L (Lin 2004): by the longest common subsequence of words; F = (1 + β²)PR / (R + β²P).

    A larger `beta` lets recall count more; with 1 it is what most papers and rouge-score report.
    """
    ours, theirs = words(text), words(reference)
    common = _longest_common(ours, theirs)
    if not common:
        return Overlap(0.0, 0.0, 0.0)
    precision, recall = common / len(ours), common / len(theirs)
    return Overlap(precision, recall, (1 + beta**2) * precision * recall / (recall + beta**2 * precision))


def similarities(texts: Sequence[str], references: Sequence[str], encode: Encode) -> NDArray[np.float64]:
    """The cosine of each text's vector with its reference's, (n) from -1 to 1; 0 where either has no word.

    `encode`: `knowledge.encoder.Encoder` does. Each different text is encoded once.
    """
    if len(texts) != len(references):
        raise ValueError(f"{len(texts)} texts cannot be compared with {len(references)} references.")
    different = sorted({text for text in (*texts, *references) if words(text)})
    if not different:
        return np.zeros(len(texts))
    vectors = np.asarray(encode(different), dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    by_text = dict(zip(different, vectors, strict=True))
    nothing = np.zeros(vectors.shape[1])
    pairs = zip(texts, references, strict=True)
    return np.array([by_text.get(ours, nothing) @ by_text.get(theirs, nothing) for ours, theirs in pairs])


def _is_alone(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(_ALONE)


def _aligned(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[int, int]]:
    """Places of words that match, each in one pair at most."""
    left, right, pairs = list(enumerate(ours)), list(enumerate(theirs)), []
    for form in (str, porter):
        places = defaultdict(list)
        for place, word in right:
            places[form(word)].append(place)
        matched = [(place, places[form(word)].pop()) for place, word in reversed(left) if places.get(form(word))]
        pairs += matched
        taken = {place for place, _ in matched}, {place for _, place in matched}
        left = [each for each in left if each[0] not in taken[0]]
        right = [each for each in right if each[0] not in taken[1]]
    return pairs


def _longest_common(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """The length of the longest common subsequence, a bit for each word of ours (Hyyrö 2004)."""
    places: dict[str, int] = defaultdict(int)
    for place, word in enumerate(ours):
        places[word] |= 1 << place
    every = (1 << len(ours)) - 1
    row = every
    for word in theirs:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & every
    return len(ours) - row.bit_count()
