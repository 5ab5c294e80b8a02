"""What a text states, by what its sentences say of features: the answer to prompts.EXTRACTION_SCHEMA."""

from worker.endpoint.demonstration.reading import Reading
from worker.endpoint.demonstration.statements import Aspect, Evidence, Strength, read_text

WHO: dict[Aspect, str] = {"person": "subject", "item": "subject", "liker": "likers", "disliker": "dislikers"}
POLARITIES = {1: "likes", -1: "dislikes", 0: "mixed", None: "neutral"}
STRENGTHS = {Strength.STRONG: "strong", Strength.PLAIN: "plain"}


def listed(text: str, reading: Reading) -> list[dict[str, str]]:
    """`reading`: the prompt that the text belongs to. What a text only reports, it does not state."""
    return [
        {
            "quote": sentence.text,
            "about": one.feature.value,
            "polarity": POLARITIES[one.stance],
            "strength": STRENGTHS.get(one.strength, "hedged"),
            "who": WHO[one.aspect],
        }
        for sentence in read_text(text, Evidence.of(reading))
        for one in sentence.statements
        if one.strength > Strength.REPORTED
    ]
