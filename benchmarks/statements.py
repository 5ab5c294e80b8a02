"""How well does the reader take texts apart into statements, and how fast?

    python -m benchmarks.statements [--rules] [--errors fit|dev] [--style STYLE] [--titles 100000]

The gold corpus of tests/data/statements: a statement counts as found when aspect, polarity and holder are right; words
of a phrase need not be exactly the gold's, one must hold the other or end in the same word. Prints precision, recall
and F1 of each style, and times; what is wrong is printed only with `--errors` of the parts that may be
looked at: `held_out` judges.
"""

import argparse
import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recommender.grounding.lexicon import Lexicon
from recommender.grounding.reader import read
from recommender.grounding.statements import Statement
from recommender.grounding.tagger.tags import Tagger, tagger
from tests.statements_corpus import GoldText, catalog_items, read_corpus

ROOT = Path(__file__).resolve().parent.parent
NOUNS = {"films": ("film", "movie"), "books": ("book",)}
SEED = 20240229


@dataclass(slots=True)
class Count:
    right: int = 0
    read: int = 0
    gold: int = 0

    def add(self, other: "Count") -> None:
        self.right, self.read, self.gold = self.right + other.right, self.read + other.read, self.gold + other.gold

    @property
    def precision(self) -> float:
        return self.right / self.read if self.read else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.gold if self.gold else 1.0

    def __str__(self) -> str:
        both = self.precision + self.recall
        f1 = 2 * self.precision * self.recall / both if both else 0.0
        return f"{self.precision:9.3f} {self.recall:6.3f} {f1:5.3f} {self.gold:5}"


@cache
def lexicon_of(catalog: str) -> Lexicon:
    items = []
    for row in catalog_items(catalog):
        attributes: dict[str, Any] = {
            name: value.split("|") for name, value in row.items() if name not in ("item_id", "title", "year") and value
        }
        items.append((row["item_id"], row["title"], attributes | {"year": int(row["year"])}))
    return Lexicon.of(items, nouns=NOUNS[catalog])


def agree(gold: Statement, said: Statement) -> bool:
    if (gold.polarity, gold.holder) != (said.polarity, said.holder):
        return False
    known = [sorted(facet.key for facet in each.aspect if facet.kind != "phrase") for each in (gold, said)]
    phrases = [[facet.value.casefold() for facet in each.aspect if facet.kind == "phrase"] for each in (gold, said)]
    same = known[0] == known[1] and len(phrases[0]) == len(phrases[1])
    return same and all(any(_alike(one, other) for other in phrases[1]) for one in phrases[0])


def _alike(one: str, other: str) -> bool:
    return one in other or other in one or one.split()[-1] == other.split()[-1]


def compare(text: GoldText, tagger: Tagger | None = None) -> tuple[Count, list[Statement], list[Statement]]:
    """Counts, gold statements that were not found, and statements that are not in the gold."""
    lexicon = lexicon_of(text.catalog)
    extra = read(text.text, lexicon, about=text.about, subject=text.subject, tagger=tagger)
    count = Count(0, len(extra), len(text.statements))
    missed = []
    for gold in text.statements:
        found = next((said for said in extra if agree(gold, said)), None)
        if found:
            extra.remove(found)
        else:
            missed.append(gold)
    count.right = count.gold - len(missed)
    return count, missed, extra


def invented(titles: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Items with titles and authors of random words."""
    dice = random.Random(SEED)
    parts = [
        first + second
        for first in ["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu"]
        for second in ["n", "r", "l", "m", "st"]
    ]
    words = ["".join(dice.choices(parts, k=dice.randint(1, 3))).title() for _ in range(20_000)]
    for number in range(titles):
        title = " ".join(dice.choices(words, k=dice.randint(1, 5)))
        people = [" ".join(dice.choices(words, k=2)) for _ in range(2)]
        genres = dice.sample(["Comedy", "Drama", "Horror", "Sci-Fi", "Western", "Crime"], 2)
        year = dice.randint(1920, 2020)
        yield f"x{number}", f"The {title} ({year})", {"genres": genres, "author": people, "year": year}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--errors", choices=["fit", "dev"])
    parser.add_argument("--rules", action="store_true", help="without the tagger")
    parser.add_argument("--style", help="only this one")
    parser.add_argument("--titles", type=int, default=100_000)
    options = parser.parse_args()
    ours = None if options.rules else tagger()
    counts: dict[tuple[str, str], Count] = {}
    texts = list(read_corpus(style=options.style))
    for text in texts:
        count, missed, extra = compare(text, ours)
        for style in (text.style, "all"):
            counts.setdefault((text.part, style), Count()).add(count)
        if options.errors == text.part and (missed or extra):
            print(text.text)
            for sign, statements in (("missed", missed), ("extra", extra)):
                for statement in statements:
                    print(f"    {sign}: {statement.polarity} {statement.key} ({statement.holder})")
    print(f"{'part':9} {'style':24} precision recall    F1  gold")
    for (part, style), count in sorted(counts.items()):
        print(f"{part:9} {style:24} {count}")
    start = time.process_time()
    lexicon = Lexicon.of(invented(options.titles), nouns=["book"])
    print(f"lexicon of {options.titles:,} titles: {time.process_time() - start:.1f} s of processor time")
    long = [text.text for text in texts if 130 <= len(text.text.split()) <= 220]
    spent = []
    for text in long:
        start = time.process_time()
        read(text, lexicon, about="end_user", tagger=ours)
        spent.append(1000 * (time.process_time() - start))
    if spent:
        print(
            f"{len(spent)} texts of 130 to 220 words: median {statistics.median(spent):.1f} ms, most {max(spent):.1f}"
        )


if __name__ == "__main__":
    main()
