"""Does a text read like something a person or a capable model wrote? A check of form, in any language, not of truth.

What it is for: a broken, tiny or untrained model answers with repeated pieces or with a salad of word fragments. Such
an answer must count as malformed, while a short, plain or foreign text passes. So it looks only at what all written
languages share: words of ordinary shape, sentences that end, repetition, and (in longer texts) some words returning.
"""

import re
import unicodedata
from collections import Counter
from itertools import groupby

MAX_REPEATS = 4  # of one word in a row
MIN_CLEAN = 0.8  # share of words of ordinary shape
SURELY_CLEAN = 0.95  # below it, sentences must at least start like sentences
MIN_SENTENCE, MAX_SENTENCE = 8, 90  # words: from the first on, a full stop is expected; up to the second, one is enough
MAX_WORD = 45  # characters; languages that write words apart stay below
MAX_STUTTERED = 0.1  # share of the characters in pieces repeated many times: a title may have its "Aaaaaaaah!"

LIST_MARK = r"[ \t]*(?:[-*•–]|\d{1,2}[.)])[ \t]+"  # what begins a line that is an entry of a list

# Scripts that write no spaces between words; a character counts as half a word.
_UNSPACED = re.compile(r"[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3040-\u30FF\u3400-\u9FFF\U00020000-\U0002FFFF]")
_SENTENCE_END = re.compile(
    r"[.!?\u2026\u3002\uFF01\uFF1F\u0964\u06D4\u061F\u1362\u0589](?=[\s\"'”’»)\]*]|$)|[\u3002\uFF01\uFF1F]|\n\s*\n"
    rf"|^{LIST_MARK}(?=\S)",
    re.MULTILINE,
)
_SENTENCE_START = re.compile(r"(?:\A|[.!?…]\s)[^\w]*([^\W\d_])")
# A word between punctuation, with inner hyphens, apostrophes, dots and slashes; or a number.
_LETTERS = r"[^\W\d_]"
_INSIDE = r"[-‐‑–—'’./&·+\"״׳]"  # the last two, and the quotation mark: Hebrew's abbreviations
_CLEAN = re.compile(
    rf"[(\[\"'“‘«„¿¡*_—–~≈@#-]*"
    rf"(?:{_LETTERS}+\d{{0,3}}(?:{_INSIDE}{_LETTERS}+\d{{0,2}})*['’]?"
    rf"|[$€£#~]?\d+(?:[.,:/–‑-]\d+)*(?:{_INSIDE}?{_LETTERS}{{1,9}}(?:{_INSIDE}{_LETTERS}{{1,12}})*|[%+°])?)"
    r"[)\]\"'”’»“.,;:!?…*_—–+-]*"
)
_STUTTER = re.compile(r"([^\W\d_]{1,12}?)\1{7,}")
_NO_LETTERS = ("Mn", "Mc", "Me", "Cf", "So", "Sk")
_INNER_CAPITAL = re.compile(r"[a-zß-ÿ][A-ZÀ-Þ]")
_FILLERS = "\u115f\u1160\u3164\uffa0\u2800"  # letters and signs that show nothing
_ALONE = re.compile(r"[&+/=–—|•·*~→←↔⇒-]+")  # marks that stand between words in ordinary writing


def words(text: str) -> int:
    """How many words; in scripts without spaces, an estimate."""
    unspaced = len(_UNSPACED.findall(text))
    return len(_UNSPACED.sub(" ", text).split()) + unspaced // 2


def is_blank(text: str) -> bool:
    """Whether nothing of it can be seen: spaces, joiners, direction marks, fillers."""
    return all(unicodedata.category(char)[0] in "ZCM" or char in _FILLERS for char in text)


def problem(text: str) -> str | None:
    """What makes the text unreadable, in words for the model that wrote it; None when nothing does."""
    if (
        any(unicodedata.category(char) in ("Cc", "Co", "Cn") and not char.isspace() for char in text)
        or "\ufffd" in text
    ):
        return "it contains characters that are not text"
    tokens = text.split()
    folded = [token.strip(".,;:!?\"'()").casefold() for token in tokens]
    if _repetitive(folded) or _stutters(text):
        return "it repeats itself instead of saying something"
    spaced = [token for token in tokens if not _UNSPACED.search(token)]
    if len(spaced) < len(tokens) - len(spaced):
        return None  # a script without spaces, and often without full stops
    clean = sum(_is_clean(token) for token in spaced) / max(len(spaced), 1)
    starts = [start for start in _SENTENCE_START.findall(text) if start.lower() != start.upper()]
    capitals = sum(start != start.lower() for start in starts)
    if clean < MIN_CLEAN or (clean < SURELY_CLEAN and capitals * 2 < len(starts)):
        return "it is not made of ordinary words"
    ends = len(_SENTENCE_END.findall(text))
    if words(text) > MAX_SENTENCE * max(ends, 1) or (words(text) >= MIN_SENTENCE and not ends):
        return "it is not written in sentences"
    return None


def _repetitive(folded: list[str]) -> bool:
    """One word many times in a row, or a few words or phrases making up the whole."""
    if any(sum(1 for _ in run) > MAX_REPEATS for word, run in groupby(folded) if word):
        return True
    if len(folded) < 12:
        return False
    distinct = len(set(folded)) / len(folded)
    most = Counter(folded).most_common(1)[0][1] / len(folded)
    phrases = list(zip(folded, folded[1:], folded[2:], strict=False))
    return most > 0.34 or distinct < min(0.3, 30 / len(folded) + 0.1) or len(set(phrases)) < 0.35 * len(phrases)


def _stutters(text: str) -> bool:
    """Short pieces repeated many times without spaces: "ababababab", "ingingingingинг". Digits may: "000000001234"."""
    return sum(len(piece[0]) for piece in _STUTTER.finditer(text)) > MAX_STUTTERED * len(text)


def _is_clean(token: str) -> bool:
    if len(token) > MAX_WORD or _ALONE.fullmatch(token):
        return len(token) <= MAX_WORD
    if not token.isascii():  # vowel signs and accents, joiners, emoji: no letters, and part of ordinary writing
        token = "".join(char for char in token if unicodedata.category(char) not in _NO_LETTERS)
        if not token:
            return True
    return _CLEAN.fullmatch(token) is not None and len(_INNER_CAPITAL.findall(token)) <= 1
