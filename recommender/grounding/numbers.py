"""Numbers and the words of ratings and counts."""

from recommender.grounding import tables

WORDS = {name: frozenset(" ".join(words).split()) for name, words in tables.sections("numbers").items()}
NUMBERS = {word: int(name) for name, words in WORDS.items() if name.isdecimal() for word in words}


def is_number(word: str) -> bool:
    return word in NUMBERS or word.isdecimal()
