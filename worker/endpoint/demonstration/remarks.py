"""One remark in each first draft, in one of many styles: true as a rule, and wrong on purpose in one draft of eight.

So that approving is not always right, and what finds such errors can be measured: planted.py says where they are.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from worker.endpoint.demonstration.features import Feature, Record, Tally
from worker.endpoint.demonstration.phrasing import Voice, attributed
from worker.endpoint.demonstration.reading import Entry
from worker.endpoint.demonstration.statements import Aspect, Evidence

Kind = Literal["count", "polarity", "title", "recent"]
KINDS: tuple[Kind, ...] = ("count", "polarity", "title", "recent")
ONE_IN = 8  # remarks, that is wrong
LEAST = 4  # entries of a genre that a remark counts, or calls liked or avoided
CLEAR = 0.7  # share of a genre's entries on one side that a remark may call liked or avoided
LONG = 8  # entries of a history whose first half is long past
_YEAR = re.compile(r"\s*\((\d{4})\)\s*$")
_TENS = ("", "", "twenty", "thirty")
_ONES = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Remark:
    kind: Kind
    style: str
    sentence: str
    wrong: bool


@cache
def wordings() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name("remarks.json").read_text(encoding="utf-8"))
    return found


def remark(evidence: Evidence, voice: Voice) -> Remark | None:
    """The remark that a draft about this evidence makes; None where the evidence is too little for any."""
    aspects: list[Aspect] = ["liker", "disliker"] if evidence.reading.is_item else ["person"]
    first, turned = voice.number("side", len(aspects)), voice.number("remark", len(KINDS))
    style = list(wordings()["styles"])[voice.number("style", len(wordings()["styles"]))]
    wrong = voice.number("planted", ONE_IN) == 0
    for aspect in aspects[first:] + aspects[:first]:
        record = evidence.record(aspect)
        if record is None:
            continue
        writer = _Writer(voice, wordings()["styles"][style], record, wrong)
        for kind in (*KINDS[turned:], *KINDS[:turned]):
            if sentence := writer.about(kind):
                return Remark(kind, style, attributed(sentence, aspect), wrong)
    return None


@dataclass(frozen=True, slots=True)
class _Writer:
    voice: Voice
    style: Mapping[str, list[str]]
    record: Record
    wrong: bool

    def about(self, kind: Kind) -> str:
        """A sentence of this kind; empty where the history is too short for one."""
        writers = {"count": self.count, "polarity": self.polarity, "title": self.title, "recent": self.recent}
        return writers[kind]()

    def count(self) -> str:
        found = self._genre(lambda tally: 0 < len(tally.liked) < tally.count or _quantities(tally) is not None)
        if found is None:
            return ""
        feature, tally = found
        liked, count = len(tally.liked), tally.count
        quantities = _quantities(tally)
        if quantities and (not 0 < liked < count or self.voice.number("quantity", 3) == 0):
            quantity = self.voice.pick(quantities[1], "other quantity") if self.wrong else quantities[0]
            return self._say("quantity", feature, quantity=quantity, Quantity=quantity.capitalize())
        if self.wrong and self.voice.number("total", 4) == 0:
            count += 1 + self.voice.number("more", 2)
        elif self.wrong:
            liked = int(self.voice.pick([str(n) for n in range(1, count) if n != liked], "other count"))
        words = {"liked_words": _in_words(liked), "count_words": _in_words(count)}
        return self._say("count", feature, liked=str(liked), count=str(count), **words)

    def polarity(self) -> str:
        found = self._genre(lambda tally: not 1 - CLEAR < tally.share < CLEAR)
        if found is None:
            return ""
        feature, tally = found
        return self._say("likes" if (tally.share > 0.5) != self.wrong else "dislikes", feature)

    def title(self) -> str:
        liked = [entry for entry in self.record.entries if entry.liked]
        if not liked:
            return ""
        title = liked[self.voice.number("success", len(liked))].title
        if self.wrong:
            year = f" ({1950 + self.voice.number('year', 70)})" if _YEAR.search(title) else ""
            title = self.voice.pick(wordings()["invented"], "invented") + year
        return self._say("title", title=title, name=_YEAR.sub("", title))

    def recent(self) -> str:
        known = [entry for entry in self.record.entries if entry.liked is not None]
        if len(known) < LONG:
            return ""
        late, early = _liked(known[-2:]), _liked(known[: len(known) // 2])
        early = [entry for entry in early if entry.title not in {other.title for other in known[len(known) // 2 :]}]
        if not late or not early:
            return ""
        title = early[self.voice.number("early", len(early))].title if self.wrong else late[-1].title
        return self._say("recent", title=title, name=_YEAR.sub("", title))

    def _genre(self, holds: Callable[[Tally], bool]) -> tuple[Feature, Tally] | None:
        """One of the genres that enough entries have, by chance."""
        suited = sorted(
            feature
            for feature, tally in self.record.tallies.items()
            if feature.weight == 1.0 and tally.count >= LEAST and holds(tally)
        )
        if not suited:
            return None
        feature = suited[self.voice.number("genre", len(suited))]
        return feature, self.record.tallies[feature]

    def _say(self, wording: str, feature: Feature | None = None, **words: str) -> str:
        what = feature.phrase(self.voice.noun) if feature else ""
        template = self.voice.pick(self.style[wording], ("remark", wording))
        return template.format(what=what, What=what[:1].upper() + what[1:], **words)


def _liked(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.liked]


def _quantities(tally: Tally) -> tuple[str, list[str]] | None:
    """The word for a share of likes, and those that are wrong for it; None in between."""
    if tally.share >= 2 / 3:
        return "all" if tally.share == 1 else "most", ["few", "none"]
    if tally.share <= 1 / 3:
        return "none" if tally.share == 0 else "few", ["most", "all"]
    return None


def _in_words(number: int) -> str:
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return "-".join([_TENS[tens], _ONES[ones]][: 2 if ones else 1]) if tens < len(_TENS) else str(number)
