"""Which of the errors planted in the demonstration's first texts does grounding/findings.py find, and does it ever err?

    python -m benchmarks.planted_errors [--styles report,letter] [--show] [--rules]

All evidence of the sample catalog (every end user by each window, every film) in a temporary database; the first draft
about each, its statements as the reader finds them, and its findings. `worker/endpoint/demonstration/planted.py` knows
which remarks are wrong. A finding inside a right remark is a false one; so is any in tests/data/honest_texts.txt, texts
of people about their own rows. What is found elsewhere in drafts is counted by the demonstration's own tallies: the
drafts are careless on purpose. Four of the styles are held out: the search was never fitted to them. `--show`
prints what was missed and what was found falsely, of the chosen styles. The last line is one JSON object.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.scratch import own_database

HONEST = Path(__file__).resolve().parent.parent / "tests" / "data" / "honest_texts.txt"
KINDS = {"count": "count", "polarity": "polarity", "title": "title", "recent": "order"}  # of a remark → of a finding


@dataclass
class Tally:
    """`wrong` remarks of which so many were `found`; `right` ones in which something was found `falsely`."""

    wrong: int = 0
    found: int = 0
    right: int = 0
    falsely: int = 0
    shown: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found / self.wrong if self.wrong else 1.0

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.falsely) if self.found + self.falsely else 1.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.wrong + other.wrong, self.found + other.found, self.right + other.right,
            self.falsely + other.falsely, self.shown + other.shown,
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--styles", default="")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--rules", action="store_true", help="statements as rules alone read them")
    options = parser.parse_args()
    with own_database(sample=True):
        styles = set(filter(None, options.styles.split(",")))
        print(json.dumps(measure(styles, show=options.show, rules=options.rules)))


def measure(styles: set[str], *, show: bool, rules: bool) -> dict[str, Any]:
    from recommender.grounding.tagger.tags import tagger
    from worker.endpoint.demonstration.remarks import wordings

    subjects, items = evidence()
    ours = None if rules else tagger()
    tallies, elsewhere = over_drafts(subjects, items, styles, ours)
    report: dict[str, Any] = {"benchmark": "planted_errors", "subjects": len(subjects)}
    held_out = set(wordings()["held_out"])
    for name, part in (("held out", held_out), ("fitted", set(wordings()["styles"]) - held_out)):
        chosen = {key: tally for key, tally in tallies.items() if key[0] in part}
        for (style, kind), tally in sorted(chosen.items()):
            _print(f"{name:9} {style:8} {kind:9}", tally)
        if chosen:
            total = sum(chosen.values(), Tally())
            _print(f"{name:9} {'all':18}", total)
            report[name] = {"precision": round(total.precision, 3), "recall": round(total.recall, 3)} | {
                key: getattr(total, key) for key in ("wrong", "found", "right", "falsely")
            }
            for line in total.shown if show else ():
                print("   ", line)
    report |= {"elsewhere": dict(elsewhere), "honest": over_honest_texts(ours)}
    print(f"elsewhere in drafts {dict(elsewhere)}; in honest texts {report['honest']}")
    return report


def _print(name: str, tally: Tally) -> None:
    print(
        f"{name} wrong {tally.wrong:3}  found {tally.found:3}  right {tally.right:4}  found falsely {tally.falsely:2}  "
        f"precision {tally.precision:.2f}  recall {tally.recall:.2f}"
    )


def evidence() -> tuple[list[Any], list[tuple[str, str, Any]]]:
    """Subjects as rounds show them, and the catalog's items."""
    from recommender.models import Catalog
    from recommender.rounds import evidence

    catalog = Catalog.objects.get()
    end_users = list(catalog.end_users.order_by("id").values_list("id", flat=True))
    found = [
        each.subject
        for name in ("prefix", "latest", "sliding")
        for each in evidence.of_end_users(catalog, end_users, windows=evidence.Windows(name))
    ]
    ids = list(catalog.items.order_by("id").values_list("id", flat=True))
    found += [each.subject for each in evidence.of_items(catalog, ids)]
    return found, list(catalog.items.order_by("id").values_list("external_id", "title", "attributes"))


def over_drafts(
    subjects: Iterable[Any],
    items: Sequence[tuple[str, str, Any]],
    styles: set[str],
    tagger: Any,
) -> tuple[dict[tuple[str, str], Tally], Counter[str]]:
    from recommender.grounding.lexicon import Lexicon
    from recommender.grounding.reader import read
    from recommender.rounds.core import prompts
    from worker.endpoint.demonstration import reading
    from worker.endpoint.demonstration.actor import draft
    from worker.endpoint.demonstration.planted import remark_of

    lexicon = Lexicon.of(items, nouns=["movie"])
    titles = {item: title for item, title, _ in items}
    by_title = {title: item for item, title in titles.items()}
    tallies: dict[tuple[str, str], Tally] = {}
    elsewhere: Counter[str] = Counter()
    for subject in subjects:
        asked = reading.read(prompts.render(subject, "reason").messages)
        assert asked is not None
        remark = remark_of(asked)
        if remark is None or (styles and remark.style not in styles):
            continue
        text = draft(asked)
        own = by_title.get(subject.title, "")
        said = read(text, lexicon, about=subject.kind, subject=own, tagger=tagger)
        found = _findings(text, said, subject, titles, tagger)
        inside = [each for each in found if remark.start <= each.start < remark.end]
        elsewhere.update(f"{each.kind}: {_checked(each, text, asked)}" for each in found if each not in inside)
        tally = tallies.setdefault((remark.style, remark.kind), Tally())
        sentence = text[remark.start : remark.end]
        if remark.wrong:
            tally.wrong += 1
            hit = any(each.kind == KINDS[remark.kind] for each in inside)
            tally.found += hit
            tally.shown += [] if hit else [f"missed: {sentence}"]
        else:
            tally.right += 1
            tally.falsely += bool(inside)
            tally.shown += [f"falsely: {sentence} ({each.words})" for each in inside]
    return tallies, elsewhere


def _findings(text: str, said: Any, subject: Any, titles: dict[str, str], tagger: Any) -> list[Any]:
    from recommender.grounding.evidence import Rated
    from recommender.grounding.findings import findings

    def rows(history: Iterable[Any]) -> list[Rated]:
        return [Rated(each.title, each.attributes, each.liked, each.rating) for each in history]

    if subject.kind == "end_user":
        return findings(text, said, rows(subject.history), titles, ordered=subject.ordered, tagger=tagger)
    item = [Rated(subject.title, subject.attributes)]
    shown = {"subject": item, "likers": rows(subject.liker), "dislikers": rows(subject.disliker)}
    return findings(text, said, shown, titles, ordered=subject.ordered, tagger=tagger)  # type: ignore[arg-type]


def _checked(finding: Any, text: str, asked: Any) -> str:
    """What the demonstration's own reflector makes of the same sentence: another reader, other counts."""
    from worker.endpoint.demonstration.checks import find_faults
    from worker.endpoint.demonstration.statements import Evidence, read_text

    evidence = Evidence.of(asked)
    quote = text[finding.start : finding.end].split("“")[0].strip()
    sentences = [each for each in read_text(text, evidence) if quote and quote in each.text]
    faults = {fault.fault for fault in find_faults(sentences, evidence)} if sentences else set()
    return "confirmed" if faults & {"contradicted", "misquoted", "invented"} else "not confirmed"


def over_honest_texts(tagger: Any) -> dict[str, int]:
    """Texts of people about the rows above them: whatever is found in one is found falsely."""
    from recommender.grounding.lexicon import Lexicon
    from recommender.grounding.reader import read
    from recommender.rounds.core.types import Encounter, Subject

    texts = falsely = unread = 0
    for section in HONEST.read_text(encoding="utf-8").split("@ ")[1:]:
        head, _, rest = section.partition("\n\n")
        noun, *lines = head.splitlines()
        met = []
        for line in lines:
            title, opinion, genres = (part.strip() for part in line.split(" | "))
            rating = None if opinion.endswith("liked") else float(opinion)
            liked = opinion == "liked" if rating is None else rating > (5 if noun == "game" else 3)
            met.append(Encounter(title, rating, liked, {"genres": genres.split(", ")}))
        items = [(str(place), each.title, each.attributes) for place, each in enumerate(met)]
        lexicon = Lexicon.of(items, nouns=[noun])
        subject = Subject("end_user", noun, 10 if noun == "game" else 5, 3, history=tuple(met))
        for text in map(str.strip, rest.split("\n%\n")):
            said = read(text, lexicon, about="end_user", tagger=tagger)
            found = _findings(text, said, subject, {item: title for item, title, _ in items}, tagger)
            texts, falsely, unread = texts + 1, falsely + bool(found), unread + (not said)
    return {"texts": texts, "found falsely": falsely, "no statement read": unread}


if __name__ == "__main__":
    main()
