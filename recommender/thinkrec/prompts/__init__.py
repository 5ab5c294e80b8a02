"""ThinkRec's text-only prompt (arXiv 2505.15091, METHODS.md 2.3), in this project's words. Pure.

Unlike the paper's it does not say that the person "has given high ratings to" a history that lists dislikes too.
Whatever is about the person comes first and the candidate last, so that all candidates of a person share one prefix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recommender.llm.types import Prompt
from recommender.rounds.core.harmless import harmless
from recommender.rounds.core.prompts.evidence_lines import plural, title_line, value_text
from recommender.rounds.core.prompts.template import Template, load

FOLDER = Path(__file__).parent
VERSIONS: Mapping["Question", int] = {"score": 1, "reason": 1}
LONGEST_HISTORY = 10
MOST_KEYWORDS = 10
LONGEST_PREFERENCE = 2_000  # characters
PLACE = "\ue000"  # where a prompt has a collaborative vector; of private use, and no text has it here

Question = Literal["score", "reason"]
ORDER = {True: "the oldest first", False: "in no order that means anything"}
OPINION = {True: "Yes", False: "No"}


@dataclass(frozen=True, slots=True)
class Described:
    """An item as a prompt shows it. `keywords`: what it is about, in a few words each.

    `vector`: what stands where its collaborative vector goes; empty: the prompt has no word about one.
    """

    title: str
    keywords: tuple[str, ...] = ()
    vector: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """An item that the person met and is known to have liked or not."""

    item: Described
    liked: bool


@dataclass(frozen=True, slots=True)
class Person:
    """All that a prompt says about an end user. `history`: oldest first where it is `ordered`.

    `preference`: a text about what they like, such as R4ec's; empty: none is shown. `vector`: as of an item.
    """

    item_noun: str
    history: tuple[Past, ...]
    preference: str = ""
    ordered: bool = True
    vector: str = ""


def described(title: str, attributes: Mapping[str, Any], keywords: Sequence[str] = ()) -> Described:
    """An item with its keywords; where it has none, with the values of its attributes."""
    if not keywords:
        values = [value if isinstance(value, list | tuple) else [value] for value in attributes.values()]
        keywords = [str(one) for several in values for one in several if one not in (None, "")]
    return Described(title, tuple(keywords[:MOST_KEYWORDS]))


def asked(
    person: Person, targets: Sequence[Described], *, question: Question = "score", shown: int = LONGEST_HISTORY
) -> list[Prompt]:
    """One prompt for each target, equal but for its end. The last `shown` of the history are shown."""
    template = template_of(question)
    history = person.history[max(0, len(person.history) - shown) :]
    said = _placeless(harmless(person.preference.strip()))[:LONGEST_PREFERENCE]
    more = f"The person has the feature {person.vector}.\n" if person.vector else ""
    values = {
        "item_noun": harmless(person.item_noun),
        "item_nouns": harmless(plural(person.item_noun)),
        "order": ORDER[person.ordered],
        "history": "; ".join(_past(each) for each in history) or "(none)",
        "preference": more + (f"<user_preference>\n{said}\n</user_preference>\n" if said else ""),
    }
    system_values = {name: values[name] for name in template.variables("system")}
    (system,) = template.render("system", **system_values)
    user_values = {name: values[name] for name in template.variables("user") - {"target"}}
    prompts = []
    for target in targets:
        (user,) = template.render("user", target=_line(target), **user_values)
        messages = ({"role": "system", "content": system}, {"role": "user", "content": user})
        prompts.append(Prompt(template.name, template.hash, messages, json_schema=None))
    return prompts


def after_reasoning(prompt: Prompt, reasoning: str) -> Prompt:
    """The question for Yes or No that follows what the model said to a prompt of "reason"."""
    (question,) = template_of("reason").render("score")
    more = {"role": "assistant", "content": _placeless(reasoning)}, {"role": "user", "content": question}
    return Prompt(prompt.name, prompt.hash, (*prompt.messages, *more), json_schema=None)


def template_of(question: Question) -> Template:
    return load(question, VERSIONS[question], FOLDER)


def _past(past: Past) -> str:
    return _line(past.item, f" (evaluation: {OPINION[past.liked]})")


def _line(item: Described, evaluation: str = "") -> str:
    """`"title" with feature … (evaluation: Yes) with description: keyword, keyword`; the title is a JSON string."""
    words = ", ".join(filter(None, (value_text(_placeless(word).replace('"', "”")) for word in item.keywords)))
    vector = f" with feature {item.vector}" if item.vector else ""
    return f"{title_line(_placeless(item.title))}{vector}{evaluation}{f' with description: {words}' if words else ''}"


def _placeless(text: str) -> str:
    return text.replace(PLACE, "")
