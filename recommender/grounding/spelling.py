"""Words that somebody mistyped: no word of the language that is known here, and nearly one of a catalog's."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from rapidfuzz import process
from rapidfuzz.distance import OSA

from recommender.grounding.words import Token

SHORTEST = 5  # letters: of shorter words too many are near each other
LONG = 9  # letters
_ENDINGS = ("s", "es", "d", "ed", "ing", "ly", "r", "er", "ers", "y")


class Spelling:
    """Words of a catalog's titles, or of its values and names."""

    def __init__(self, words: Iterable[str], *, slips: int) -> None:
        """`words`: folded. `slips`: in a long word; a short one may have one."""
        self._slips = slips
        self._words = {word for word in words if len(word) >= SHORTEST and word.isalpha()}
        self._alike: dict[tuple[str, int], list[str]] = defaultdict(list)  # first letter, length
        for word in sorted(self._words):
            self._alike[word[0], len(word)].append(word)

    def meant(self, word: str, is_word: Callable[[str], bool]) -> str | None:
        """The one word that this one is nearest to, of optimal string alignment: swapped neighbours are one slip.

        None for a word that is right, or whose stem is (`is_word`), and for one that is as near to several.
        """
        if len(word) < SHORTEST or not word.isalpha() or word in self._words or is_word(word):
            return None
        if (stem := word.removesuffix("s")) in self._words:
            return stem
        if any(word.endswith(ending) and is_word(word.removesuffix(ending)) for ending in _ENDINGS):
            return None
        most = self._slips if len(word) >= LONG else 1
        found = [
            (slips, near)
            for length in range(len(word) - most, len(word) + most + 1)
            for near, slips, _ in process.extract(
                word, self._alike.get((word[0], length), ()), scorer=OSA.distance, score_cutoff=most, limit=2
            )
        ]
        nearest = [near for slips, near in found if slips == min(found)[0]]
        return nearest[0] if len(nearest) == 1 else None


def corrected(
    said: Sequence[Token], taken: Collection[int], spelling: Spelling, is_word: Callable[[str], bool]
) -> list[Token]:
    """The tokens with what their writer meant. `taken`: places that are known already, as those of titles."""
    return [
        replace(token, word=meant)
        if token.is_word and place not in taken and (meant := spelling.meant(token.word, is_word))
        else token
        for place, token in enumerate(said)
    ]
