"""Read the statements that an actor lists: beside its text, or asked for afterwards."""

from collections.abc import Mapping
from typing import Any

from recommender.grounding.told import Listed
from recommender.rounds.core.answer_objects import objects_in, whole_object
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.wrapping import unwrapped

MOST = 100  # statements of one text


def beside_text(answer: str) -> list[Listed] | None:
    """What an answer with a text lists; None where it lists nothing. JSON that the text only quotes is no list."""
    return _statements(whole_object(unwrapped(answer)) or {})


def parse_list(answer: str, *, finish_reason: str = "") -> list[Listed]:
    """The answer to prompts.render_extraction: the object that it is, or the last one in it.

    Raises MalformedAnswerError.
    """
    text = unwrapped(answer)
    whole = whole_object(text)
    found = [listed for each in ([whole] if whole else objects_in(text)) if (listed := _statements(each)) is not None]
    if not found:
        why = "it was cut off at the token limit" if finish_reason == "length" else "there is no JSON list in it"
        raise MalformedAnswerError(f'The "statements" are missing: {why}.')
    return found[-1]


def _statements(found: Mapping[str, Any]) -> list[Listed] | None:
    """Entries without their parts are left out."""
    said = found.get("statements")
    if not isinstance(said, list):
        return None
    return [one for each in said[:MOST] if isinstance(each, Mapping) and (one := Listed.of_json(each))]
