"""A text as words and marks, each with its place; folded: case, accents, hyphens and apostrophes do not matter."""

import re
import unicodedata
from dataclasses import dataclass

LIKED_PICTURES, DISLIKED_PICTURES = "👍❤♥🥰😍🤩😻👏💖🙌", "👎🤮🤢😡🙄😴🥱💩🚫❌"
_TOKEN = re.compile(
    r"[^\W_]+(?:['’‘`´][^\W_]+)*['’]?|\n+|[,;:()\[\]{}.!?…—–+/&=<>|%$*\"“”„«»‹›#•·。！？；，、✓✔✗✘"
    + LIKED_PICTURES
    + DISLIKED_PICTURES
    + "-]"
)
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = str.maketrans("’‘`´", "''''")
_IS = {"it", "he", "she", "that", "there", "what", "who", "here", "this", "where", "how", "let"}
_WHOLE = {"can't": ("can", "not"), "won't": ("will", "not"), "shan't": ("shall", "not"), "cannot": ("can", "not"),
          "ain't": ("is", "not"), "cant": ("can", "not"), "dont": ("do", "not"), "doesnt": ("does", "not"),
          "didnt": ("did", "not"), "isnt": ("is", "not"), "arent": ("are", "not"), "wasnt": ("was", "not"),
          "gimme": ("give", "me"), "geht's": ("geht", "es"), "gibt's": ("gibt", "es"), "wont": ("will", "not"),
          "couldnt": ("could", "not"), "wouldnt": ("would", "not")}  # fmt: skip
_ENDINGS = {"'m": "am", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would"}
_YEARS = re.compile(r"\d{2,4}'s")


@dataclass(slots=True)
class Token:
    """A word as it is compared, or a mark of punctuation; `start` and `end` are its place in the text.

    `capital`: it is written with a capital letter. `glued`: no blank stands before it.
    """

    word: str
    start: int
    end: int
    capital: bool = False
    glued: bool = False
    is_word: bool = True


def fold(text: str) -> str:
    """Lower case, without accents, with one kind of apostrophe."""
    text = text.casefold()
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    return "".join(part for part in parts if not unicodedata.combining(part))


def word_set(text: str) -> frozenset[str]:
    """The words of a list in code."""
    return frozenset(text.split())


def folded_words(text: str) -> list[str]:
    """The words of a name or a title, as `tokens` has them, without marks but with "and" for "&"."""
    if text.isascii() and "'" not in text:
        words: list[str] = _WORD.findall(text.casefold().replace("&", " and "))
        if _WHOLE.keys().isdisjoint(words):
            return words
    return [token.word for token in tokens(text) if token.is_word]


def tokens(text: str) -> list[Token]:
    """Contractions are taken apart ("doesn't": does, not) and words with a hyphen are two words."""
    found: list[Token] = []
    last = -1
    for match in _TOKEN.finditer(text):
        raw, start, end = match[0], match.start(), match.end()
        glued = start == last
        last = end
        first = raw[0]
        if not first.isalnum():
            if first == "-" and glued and text[end : end + 1].isalnum():
                last = end  # a hyphen inside a word: what follows is glued
            elif first == "&":
                found.append(Token("and", start, end, False, glued))
            else:
                found.append(Token("\n" if first == "\n" else first, start, end, False, glued, False))
            continue
        capital = first.isupper()
        word = fold(raw)
        if "'" not in word:
            if word in _WHOLE:
                found += [Token(part, start, end, capital, glued) for part in _WHOLE[word]]
            else:
                found.append(Token(word, start, end, capital, glued))
            continue
        found += _contraction(word.rstrip("'"), start, end, capital, glued)
    return found


def _contraction(word: str, start: int, end: int, capital: bool, glued: bool) -> list[Token]:
    if word in _WHOLE:
        return [Token(part, start, end, capital, glued) for part in _WHOLE[word]]
    if word.endswith("n't"):
        return [Token(word[:-3], start, end, capital, glued), Token("not", start, end, False, True)]
    if _YEARS.fullmatch(word):
        return [Token(word.replace("'", ""), start, end, capital, glued)]
    for ending, full in _ENDINGS.items():
        if word.endswith(ending) and len(word) > len(ending):
            place = end - len(ending)
            return [Token(word[: -len(ending)], start, place, capital, glued), Token(full, place, end, False, True)]
    if word.endswith("'s") and len(word) > 2:
        second = "is" if word[:-2] in _IS else "'s"
        return [Token(word[:-2], start, end - 2, capital, glued), Token(second, end - 2, end, False, True)]
    return [Token(word, start, end, capital, glued)]
