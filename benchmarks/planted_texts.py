"""Which errors in short texts of unlike styles does grounding/findings.py find, and is every honest twin left alone?

    python -m benchmarks.planted_texts [--styles letters,notes] [--part judge] [--show] [--rules]

tests/data/statements/planted_more: pairs of texts about end users of the sample catalog, one honest, one with a planted
error. An error is found by a finding of its kind that meets its place; any other finding is a false one. The styles of
`judge` and `unread` are for judging only, so `--show`, which prints what was missed and found falsely, has none of
them. Intervals are Wilson's, 95 %. The last line is one JSON object.
"""

import argparse
import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.planted_errors import KINDS, Tally

TEXTS = Path(__file__).resolve().parent.parent / "tests" / "data" / "statements" / "planted_more"
FILMS = Path(__file__).resolve().parent.parent / "recommender" / "catalogs" / "sample" / "films.csv"
PARTS = {
    "first": ("letters", "chatty", "german", "lists", "notes", "hedged", "portraits", "spanish"),
    "look": ("reports", "clerks", "memos", "teachers", "forums", "german_reports"),
    "second": ("requests", "grandparents", "spanish_reports"),
    "judge": ("analysts", "columnists", "hosts"),
    "third": ("dispatchers", "minutes", "diaries", "german_minutes", "spanish_notes"),
    "unread": ("ledgers", "stocktakers", "commentators", "german_diaries", "spanish_letters"),
}
UNSEEN = ("judge", "unread")


@dataclass(frozen=True, slots=True)
class Pair:
    """An honest text and its twin, whose characters `start` to `end` are wrong. `kind`: of the error (KINDS)."""

    style: str
    person: str
    kind: str
    honest: str
    wrong: str
    start: int
    end: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--styles", default="")
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--rules", action="store_true", help="statements as rules alone read them")
    options = parser.parse_args()
    styles = set(filter(None, options.styles.split(",")))
    chosen = [
        pair
        for pair in pairs()
        if (not styles or pair.style in styles) and (not options.part or pair.style in PARTS[options.part])
    ]
    from recommender.grounding.tagger.tags import tagger

    print(json.dumps(measure(chosen, None if options.rules else tagger(), show=options.show)))


def measure(chosen: list[Pair], tagger: Any, *, show: bool = False) -> dict[str, Any]:
    """Tallies by part, style and kind, printed; the parts' are returned. `tagger`: None for rules alone."""
    search = Search(tagger)
    tallies: dict[tuple[str, str, str], Tally] = {}
    for pair in chosen:
        part = next(part for part, styles in PARTS.items() if pair.style in styles)
        tally = search.of(pair)
        tallies[part, pair.style, pair.kind] = tallies.get((part, pair.style, pair.kind), Tally()) + tally
    report: dict[str, Any] = {"benchmark": "planted_texts", "pairs": len(chosen)}
    for part in PARTS:
        ours = {key: tally for key, tally in tallies.items() if key[0] == part}
        for place in (2, 1):
            for name in sorted({key[place] for key in ours}):
                _print(f"{part:6} {name:15}", sum((t for key, t in ours.items() if key[place] == name), Tally()))
        if not ours:
            continue
        total = sum(ours.values(), Tally())
        _print(f"{part:6} {'all':15}", total)
        report[part] = {"precision": round(total.precision, 3), "recall": round(total.recall, 3)} | {
            key: getattr(total, key) for key in ("wrong", "found", "right", "falsely")
        }
        for line in total.shown if show and part not in UNSEEN else ():
            print("   ", line)
    return report


class Search:
    """What findings.py makes of the texts about the corpus's people."""

    def __init__(self, tagger: Any) -> None:
        from recommender.grounding.lexicon import Lexicon

        with FILMS.open(encoding="utf-8", newline="") as file:
            films = list(csv.DictReader(file))
        self.films = {film["item_id"]: film for film in films}
        self.titles = {film["item_id"]: film["title"] for film in films}
        attributes = {film["item_id"]: _attributes(film) for film in films}
        items = [(key, film["title"], attributes[key]) for key, film in self.films.items()]
        self.lexicon = Lexicon.of(items, nouns=["movie"])
        self.people = {name: self._rows(lines, attributes) for name, lines in people().items()}
        self.tagger = tagger

    def _rows(self, lines: list[tuple[str, int]], attributes: dict[str, Any]) -> list[Any]:
        from recommender.grounding.evidence import Rated

        return [Rated(self.titles[key], attributes[key], rating > 3, float(rating)) for key, rating in lines]

    def of(self, pair: Pair) -> Tally:
        """Whether the error was found; whether anything was found elsewhere, or in the honest twin."""
        found = self.findings(pair.wrong, pair.person)
        inside = [each for each in found if each.start < pair.end and pair.start < each.end]
        hit = any(each.kind == KINDS[pair.kind] for each in inside)
        false = [each for each in found if each not in inside]
        twin = self.findings(pair.honest, pair.person)
        missed = [] if hit else [f"missed {pair.style}, {pair.kind}: {pair.wrong[pair.start : pair.end]}"]
        shown = [f"falsely {pair.style}: {each.kind}, {each.words}: {pair.honest}" for each in (*false, *twin)]
        return Tally(1, int(hit), 1, int(bool(false)) + int(bool(twin)), missed + shown)

    def findings(self, text: str, person: str) -> list[Any]:
        from recommender.grounding.findings import findings
        from recommender.grounding.reader import read

        said = read(text, self.lexicon, about="end_user", tagger=self.tagger)
        return findings(text, said, self.people[person], self.titles, tagger=self.tagger)


def _attributes(film: dict[str, str]) -> dict[str, Any]:
    return {
        "genres": film["genres"].split("|"),
        "director": film["director"],
        "country": film["country"],
        "year": film["year"],
    }


def people() -> dict[str, list[tuple[str, int]]]:
    """Whom the texts are about: by name, the films that they rated and the ratings, oldest first."""
    found = {}
    for section in (TEXTS / "people.txt").read_text(encoding="utf-8").split("@ ")[1:]:
        name, *lines = section.strip().splitlines()
        found[name] = [(key, int(rating)) for key, rating in map(str.split, filter(None, lines))]
    return found


def pairs() -> Iterator[Pair]:
    """Every pair of the corpus, style by style."""
    for style in chain.from_iterable(PARTS.values()):
        for section in (TEXTS / f"{style}.txt").read_text(encoding="utf-8").removeprefix("= ").split("\n= "):
            head, _, rest = section.partition("\n")
            person, kind = head.split()
            honest, marked = map(str.strip, rest.split("\n%\n"))
            before, _, inside = marked.partition("[[")
            inside, _, behind = inside.partition("]]")
            wrong = before + inside + behind
            yield Pair(style, person, kind, honest, wrong, len(before), len(before) + len(inside))


def _print(name: str, tally: Tally) -> None:
    low, high = interval(tally.found, tally.wrong)
    print(
        f"{name} wrong {tally.wrong:3}  found {tally.found:3}  recall {tally.recall:.2f} [{low:.2f}, {high:.2f}]  "
        f"honest {tally.right:3}  found falsely {tally.falsely:2}  precision {tally.precision:.2f}"
    )


def interval(found: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927, doi 10.1080/01621459.1927.10502953)."""
    z, share = 1.96, found / of
    middle, half = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (middle - half) / (1 + z * z / of), (middle + half) / (1 + z * z / of)


if __name__ == "__main__":
    main()
