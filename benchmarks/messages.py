"""How well are short messages read: what people type of their own taste, or of somebody else's?

    python -m benchmarks.messages [--errors] [--parts look held_out more_look more_judge]

tests/data/statements/messages: 720 messages of 3 to 30 words in three languages by people of unlike voices, each
with the genres, directors and decades that it says are liked, disliked or both. Prints precision and recall of these,
and how many messages are read wholly as they were meant. `--errors` prints what is read otherwise of the parts that may
be looked at: `held_out` and `more_judge` judge. The last two are 16 messages each by another writer: tastes of the
dead, conditions, what only sometimes is so, and words that are no phrase.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from recommender.catalogs.sample import truth
from recommender.grounding.lexicon import Lexicon
from recommender.grounding.reader import read
from recommender.grounding.statements import Statement
from recommender.grounding.tagger.tags import tagger

ROOT = Path(__file__).resolve().parent.parent
MESSAGES = ROOT / "tests" / "data" / "statements" / "messages"
PARTS = ("look", "held_out", "more_look", "more_judge")
SHOWN = ("look", "more_look")
WITH_PHRASES = ("more_look", "more_judge")  # whose gold has every phrase that is meant: none of these
SIGNS = {"likes": "+", "dislikes": "-", "mixed": "~"}
# What messages name and the sample does not have.
OTHERS = [
    ("o1", "A Life in Letters (1999)", {"genres": ["Biography", "History", "Family"], "director": "Jane Campion"}),
    ("o2", "Northern Roads (1998)", {"genres": ["Drama"], "director": "Spike Lee"}),
]


def lexicon() -> Lexicon:
    films = [(film.item_id, film.title, asdict(film)) for film in truth.films()]
    own = [(name, title, {key: facts[key] for key in ("genres", "director", "year")}) for name, title, facts in films]
    return Lexicon.of([*own, *OTHERS], nouns=("movie", "film"))


def messages(part: str) -> Iterator[tuple[str, set[str]]]:
    """Each with its gold: a sign and a value, of directors the surname, of decades the first year and an s."""
    for line in (MESSAGES / f"{part}.txt").read_text(encoding="utf-8").splitlines():
        text, _, gold = line.rpartition("|")
        yield text.strip(), set(gold.split())


def understood(text: str, known: Lexicon, *, phrases: bool = False) -> set[str]:
    """In the gold's form, what the product understands: of an aspect that is named twice the last opinion counts.

    `phrases`: with those that stand alone."""
    said = read(text, known, about="end_user", tagger=tagger())
    last = {one.key: one for one in said if one.holder == "subject" and one.polarity in SIGNS}
    names = {SIGNS[one.polarity] + name for one in last.values() for name in _names(one)}
    alone = (one for one in last.values() if phrases and all(facet.kind == "phrase" for facet in one.aspect))
    return names | {f"{SIGNS[one.polarity]}“{one.aspect[0].value}”" for one in alone}


def _names(said: Statement) -> Iterator[str]:
    for facet in said.aspect:
        if facet.kind == "period":
            first, _, last = facet.value.partition("-")
            yield f"{first}s" if int(last) - int(first) == 9 else facet.value
        elif facet.kind == "attribute":
            yield facet.value.split()[-1] if facet.name == "director" else facet.value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--errors", action="store_true", help="of the parts that may be looked at")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    known = lexicon()
    for part in options.parts:
        both = [(text, gold, understood(text, known, phrases=part in WITH_PHRASES)) for text, gold in messages(part)]
        right = sum(len(gold & found) for _, gold, found in both)
        gold_of_all, found_of_all = (sum(len(each[at]) for each in both) for at in (1, 2))
        whole = sum(gold == found for _, gold, found in both)
        print(
            f"{part:10} precision {right / found_of_all:.3f}, recall {right / gold_of_all:.3f}; "
            f"{whole} of {len(both)} messages wholly as meant"
        )
        for text, gold, found in both if options.errors and part in SHOWN else ():
            if gold != found:
                print(f"  {text}\n      meant {' '.join(sorted(gold))}; read {' '.join(sorted(found))}")


if __name__ == "__main__":
    main()
