"""English sentences for what was found, several wordings for each, chosen by the evidence: same prompt, same text."""

import hashlib
import re
from collections.abc import Sequence

from worker.endpoint.demonstration.features import Feature, Tally
from worker.endpoint.demonstration.reading import Entry
from worker.endpoint.demonstration.statements import Aspect, Strength

LONGEST = 200  # words
PERSON: dict[tuple[int, Strength], tuple[str, ...]] = {
    (1, Strength.STRONG): (
        "{What} are clearly at the heart of this taste: {proof}.",
        "They love {what} and come back to them consistently, as with {proof}.",
        "Above all they are drawn to {what}, with {proof} to show for it.",
        "They strongly favour {what}, and {proof} made a lasting impression.",
    ),
    (1, Strength.PLAIN): (
        "They enjoy {what}, for example {proof}.",
        "{What} usually go down well with them, among others {proof}.",
        "They appreciate {what}, as their response to {proof} shows.",
        "Much of what they liked belongs to {what}: {proof}.",
    ),
    (1, Strength.HEDGED): (
        "There is a first hint that they may enjoy {what}, but it rests on little so far: {proof}.",
        "They perhaps like {what} too; beyond {proof} there is not much to go by.",
    ),
    (-1, Strength.STRONG): (
        "They clearly avoid {what}: {proof}.",
        "They have no patience for {what}, as with {proof}.",
        "They consistently reject {what}; {proof} failed to win them over.",
    ),
    (-1, Strength.PLAIN): (
        "They do not care for {what}, for example {proof}.",
        "They are wary of {what}, as their response to {proof} shows.",
        "They tend to avoid {what}: {proof}.",
    ),
    (-1, Strength.HEDGED): (
        "They may not care for {what}, but this rests on little so far: {proof}.",
        "They perhaps avoid {what}; beyond {proof} there is not much to go by.",
    ),
    (0, Strength.PLAIN): (
        "With {what} the picture is mixed: {pro} worked for them, {con} did not.",
        "{What} divide them: {pro} succeeded where {con} fell flat.",
    ),
}  # fmt: skip
OTHERS: dict[Aspect, str] = {"liker": "People who like it", "disliker": "People who do not like it"}
REPORTED = {
    1: "They are said to like {what}, although the history shown holds {count}.",
    -1: "They are said to avoid {what}, although the history shown holds {count}.",
    0: "Nothing in the history shown speaks clearly for or against {what}.",
}


class Voice:
    """Writes about one subject: its item noun, whether there are ratings, and its own choice of wordings."""

    def __init__(self, *, noun: str, seed: str) -> None:
        self.noun = noun
        self.seed = seed
        self._used: set[str] = set()

    def heard(self, text: str) -> None:
        """Avoid the wordings that a text already uses."""
        for template in (template for templates in PERSON.values() for template in templates):
            if max(re.split(r"\{\w+\}", template), key=len) in text:
                self._used.add(template)

    def pick(self, options: Sequence[str], key: object) -> str:
        digest = hashlib.blake2b(f"{self.seed}\n{key}".encode(), digest_size=4).digest()
        start = int.from_bytes(digest) % len(options)
        turned = [*options[start:], *options[:start]]
        return next((option for option in turned if option not in self._used), turned[0])

    def say(self, options: Sequence[str], key: object) -> str:
        """One of the wordings, and another one next time."""
        choice = self.pick(options, key)
        self._used.add(choice)
        return choice

    def number(self, key: object, below: int) -> int:
        """A number below `below` that depends on the evidence and nothing else."""
        return int(self.pick([str(value) for value in range(below)], key))

    def taste(self, feature: Feature, stance: int, strength: Strength, tally: Tally, aspect: Aspect = "person") -> str:
        """A sentence that states one taste, with titles as evidence."""
        if strength == Strength.REPORTED:
            template = REPORTED[stance]
        else:
            template = self.say(PERSON[stance, Strength.PLAIN if stance == 0 else strength], (feature, stance, aspect))
        what = feature.phrase(self.noun)
        sentence = template.format(
            what=what,
            What=what[:1].upper() + what[1:],
            proof=self.proof(tally.disliked if stance < 0 else tally.liked),
            pro=self.proof(tally.liked, most=1),
            con=self.proof(tally.disliked, most=1),
            count=self.against(tally, stance),
        )
        return attributed(sentence, aspect)

    def left_open(self, feature: Feature, aspect: Aspect = "person") -> str:
        return attributed(f"Nothing further is claimed here about {feature.phrase(self.noun)}.", aspect)

    def proof(self, entries: Sequence[Entry], *, most: int = 2) -> str:
        """Named titles with their ratings, the latest first."""
        shown = [self.entry(entry) for entry in entries[::-1][:most]]
        return " and ".join(shown) or "no title"

    def entry(self, entry: Entry) -> str:
        return f"“{entry.title}” (rated {entry.rating})" if entry.rating else f"“{entry.title}”"

    def against(self, tally: Tally, stance: int) -> str:
        other = tally.disliked if stance > 0 else tally.liked
        return f"cases such as {self.proof(other)}" if other else "no such entry"


def attributed(sentence: str, aspect: Aspect) -> str:
    """Say it of those who like, or do not like, an item."""
    if aspect not in OTHERS:
        return sentence
    who = OTHERS[aspect]
    if sentence.startswith("They "):
        return f"{who} {sentence.removeprefix('They ')}"
    return f"Of {who[:1].lower()}{who[1:]}: {sentence[:1].lower()}{sentence[1:]}"


def shortened(sentences: list[str], *, spare: Sequence[str] = ()) -> str:
    """One paragraph of at most LONGEST words: `spare` sentences go first, in their order, then those at the end."""
    left = list(sentences)
    for sentence in [*spare, *reversed(sentences)]:
        if len(left) <= 2 or len(" ".join(left).split()) <= LONGEST:
            break
        if sentence in left:
            left.remove(sentence)
    return " ".join(left)
