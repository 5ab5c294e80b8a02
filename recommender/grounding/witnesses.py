"""Who else says what a statement says: words of outcomes.py, rules, and the tagger, of its sentence by itself.

A text is called wrong only where several agree, for seven remarks of eight are right, and none of them errs so rarely.
The shares are chosen on honest texts: tests/data/statements/fit, dev and messages/look (docs/experiments-reading.md).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from recommender.grounding import echoes, outcomes, sides
from recommender.grounding.labels import Label, label_of
from recommender.grounding.lexicon import Lexicon, Mention
from recommender.grounding.phrases import Marked
from recommender.grounding.reader import read
from recommender.grounding.statements import Holder, Polarity, Statement
from recommender.grounding.tagger.tags import Said, Tagger, Tags
from recommender.grounding.words import tokens, word_set

OTHERWISE = 0.7  # probability of the opposite, above which nothing is sure
RULES, WORDS = 0.9, 0.5  # probabilities from which the tagger is a witness for what rules, or words, say
TOLD: dict[Polarity, bool] = {"likes": True, "dislikes": False}
_LABELS: dict[Label, bool] = {"likes": True, "dislikes": False}
_OPPOSITE: dict[Polarity, Polarity] = {"likes": "dislikes", "dislikes": "likes"}
_ENDS = word_set(". ! ? ; , ( ) — – and but while whereas though although und aber y pero mientras")
_PLACE: dict[Polarity, int] = {"likes": 0, "dislikes": 1}  # among the tagger's polarities
_ITEM = re.compile(r"\s*(?:[-*•–—·▪◦‣]|\(?\d{1,2}[.)])\s+")
# What is said is not so, or no longer, or only seems so.
_SUPPOSED = re.compile(
    r"\b(?:used to|at first (?:glance|sight)|no longer|back then|(?:might|may|could|would)(?: \w+)? "
    r"(?:assume|suppose|expect|think|believe)|looks? like|seems? like|(?:it|profile|text|list) says|said to|supposed to"
    r"|wrong|exceptions?|(?:only|just|but) (?:once|twice)|nur (?:ein|zwei)mal|solo una vez"
    r"|fr[uü]her|angeblich|antes|supuestamente)\b|\?",
    re.IGNORECASE,
)


def heading_of(text: str, start: int) -> str:
    """The line over the list of which a sentence is an item; empty where it is none."""
    line = text.rfind("\n", 0, start) + 1
    if not _ITEM.match(text, line):
        return ""
    for above in reversed(text[:line].splitlines()):
        if above.strip() and not _ITEM.match(above):
            return above if above.rstrip("* ").endswith(":") or above.lstrip().startswith(("#", "**")) else ""
    return ""


def told_of(said: Marked, statement: Statement) -> bool | None:
    """What the words of a statement tell, or else those beside it, back and forth to the end of a clause."""
    inside = [at for at, token in enumerate(said.tokens) if statement.start <= token.start < statement.end]
    told = outcomes.told(said, inside)
    if told is not None or not inside:
        return told
    ends = [-1, *(at for at, token in enumerate(said.tokens) if token.word in _ENDS), len(said.tokens)]
    first = max(end for end in ends if end < inside[0])
    last = next((end for end in ends if end >= inside[-1]), len(said.tokens))
    return outcomes.told(said, range(first + 1, last))  # a label is no part of its statement: "Dislikes: dramas"


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What is read in one sentence, `said`, by itself, or with the heading of its list. Places in `ruled`, `heard` and
    `tags` are less by `shift`. `label`: what that heading says of all below it, liked or not. `earlier`: the sentence
    before."""

    said: Marked
    ruled: Sequence[Statement]
    heard: Sequence[Statement]
    tags: Tags
    shift: int
    label: bool | None = None
    earlier: Marked | None = None

    @property
    def place(self) -> tuple[int, int]:
        return self.said.tokens[0].start, self.said.tokens[-1].end

    @classmethod
    def of(
        cls,
        said: Marked,
        holder: Holder,
        lexicon: Lexicon,
        about: Literal["end_user", "item"],
        tagger: Tagger,
        earlier: Marked | None = None,
    ) -> Self:
        """What is said of one side of an item, `holder`, is read as if it were said of a person."""
        start, end = said.tokens[0].start, said.tokens[-1].end
        sentence, shift = said.text[start:end], start
        label = None
        if heading := heading_of(said.text, start):
            label = _LABELS.get(label_of(tokens(heading), said.language))
            sentence, shift = f"{heading}\n- {sentence}", start - len(heading) - 3
        side = sides.said_of_one(sentence) if about == "item" else None
        if side is not None and side[0] == holder:
            about, sentence = "end_user", side[1]
            shift = end - len(sentence)
        if said.word(0) == "-":  # by itself it would be a bullet
            sentence, shift = f"+\n{sentence}", start - 2
        ruled = read(sentence, lexicon, about=about)
        heard = read(sentence, lexicon, about=about, tagger=tagger)
        return cls(said, ruled, heard, tagger.tags(sentence, about), shift, label, earlier)

    def are_sure(self, statement: Statement) -> bool:
        """Whether enough of them say the same as a statement of the whole text, or of the sentence."""
        if statement.polarity not in TOLD or _SUPPOSED.search(self.said.text, *self.place):
            return False
        if self._echo(statement) is TOLD[statement.polarity]:
            return True
        told = told_of(self.said, statement)
        told = self.label if told is None else told
        polarity, opposite = statement.polarity, _OPPOSITE[statement.polarity]
        words, other_words = told is TOLD[polarity], told is TOLD[opposite]
        is_title = any(facet.kind == "title" for facet in statement.aspect)
        tagged = list(self._tagged(statement, is_title))
        other = max((float(each.polarities[_PLACE[opposite]]) for each in tagged), default=0.0)
        if is_title:
            same = max((float(each.polarities[_PLACE[polarity]]) for each in tagged), default=1.0)
            return words and other <= OTHERWISE and (same >= other or not tagged)
        if not tagged:
            return False
        same = float(tagged[0].polarities[_PLACE[polarity]])
        rules = {each.polarity for each in self.ruled if each.key == statement.key}
        if words and polarity in rules:
            return other <= OTHERWISE or self.said.word(0) in outcomes.SIGNS
        if words:
            return same > WORDS and opposite not in rules
        return same > RULES and polarity in rules and not other_words

    def _echo(self, statement: Statement) -> bool | None:
        """What is told of something else before, where the statement's clause says that it is so too."""
        inside = self._named(statement, is_title=False)
        told = (echoes.told(self.said, mention.begin, mention.end, self.earlier) for mention in inside)
        return next((each for each in told if each is not None), None)

    def _named(self, statement: Statement, *, is_title: bool) -> Iterator[Mention]:
        """What the sentence names for the aspect; any title: their ids differ here."""
        wanted = set(statement.aspect)
        for mention in self.said.mentions.values():
            if (mention.role == "title") is not is_title:
                continue
            if is_title or any(wanted & set(facets) for facets in mention.options):
                yield mention

    def _tagged(self, statement: Statement, is_title: bool) -> Iterator[Said]:
        """What the tagger hears of what the sentence names for the aspect."""
        for mention in self._named(statement, is_title=is_title):
            start, end = self.said.tokens[mention.begin].start, self.said.tokens[mention.end - 1].end
            if found := self.tags.of(start - self.shift, end - self.shift):
                yield found
