"""Rows of training sets: a prompt as the models get it in rounds, what to answer, and where that came from.

The prompts are those of rounds (recommender.rounds.core.prompts), with R4ec's tags, so that an adapter learns what it
will be asked. Texts and critiques to learn are as harmless as the data: what one quotes is no tag and no role of the
training format.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from django.conf import settings

from recommender.llm.types import Prompt
from recommender.rounds.core import prompts
from recommender.rounds.core.harmless import harmless
from recommender.rounds.core.parsing import NAMES
from recommender.rounds.core.prompts.thinkrec import render_trace
from recommender.rounds.core.types import JudgementName, Kind, Subject

Messages = tuple[dict[str, str], ...]
RowSet = Literal["reason", "reflect", "refine", "preference", "kto", "extract", "polarity", "trace"]
SETS: tuple[RowSet, ...] = get_args(RowSet)
PAIRS: tuple[RowSet, ...] = ("preference", "polarity")  # a better answer and a worse one
STRONG, HEDGED = 0.9, 0.5  # a statement of more strength is strong; of up to so much, hedged


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a row came from. People are there by their role only; ids are those of this installation's database.

    `case` and `calls` belong to a teacher's rows, `round`, `turns`, `decisions`, `verdicts` and `roles` to people's.
    `model` wrote the text to learn ("" a person did); the prompt's name and hash are those of the row's own prompt.
    """

    source: Literal["human", "teacher"]
    catalog: str
    subject_kind: str
    subject: int
    as_of: int
    created: str
    round: int | None = None
    turns: tuple[int, ...] = ()
    decisions: tuple[int, ...] = ()
    verdicts: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    case: int | None = None
    calls: tuple[int, ...] = ()
    model: str = ""
    prompt_name: str = ""
    prompt_hash: str = ""
    guideline_version: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Told:
    """One statement of a text, for an export. `about`: the aspect in words; `source`: who or what found it.

    `verdict`: what people did to it: "approved" with its text, "said", "changed", or "" while nobody judged it. Of what
    is `Row.struck`: "struck", "changed", or "objected" by the end user.
    """

    about: str
    aspect: tuple[dict[str, str], ...]
    polarity: str
    strength: float
    who: str
    quote: str
    source: str
    verdict: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Row:
    """One example. `answer` is what to learn; `rejected` what it is preferred to; `label` what people thought of it.

    `statements`: what the text states that the row is about, as it stands (`Told`). `struck`: what people took out of
    it; the sentences that said so are left out of the text (tuning.struck).
    """

    set: RowSet
    prompt: Messages
    answer: str
    provenance: Provenance
    rejected: str = ""
    label: bool | None = None
    statements: tuple[Told, ...] = ()
    struck: tuple[Told, ...] = ()
    tag: str = ""  # how a trace came about: first_try, hinted, human
    id: str = field(init=False)

    def __post_init__(self) -> None:
        content = json.dumps([self.set, self.prompt, self.answer, self.rejected, self.label], ensure_ascii=False)
        object.__setattr__(self, "id", hashlib.sha256(content.encode()).hexdigest()[:24])


def reason(subject: Subject, text: str, provenance: Provenance, *, said: Sequence[Told] = ()) -> Row:
    """The actor's first rationale."""
    prompt = prompts.render(subject, "reason", layout=settings.PROMPTS)
    return _row("reason", prompt, harmless(text), provenance, said=said)


def reflect(
    subject: Subject,
    text: str,
    verdict: JudgementName,
    critique: str,
    provenance: Provenance,
    *,
    said: Sequence[Told] = (),
) -> Row:
    """The reflector's judgement of a text."""
    prompt = prompts.render(subject, "reflect", layout=settings.PROMPTS, rationale=text)
    return _row("reflect", prompt, judgement(subject.kind, verdict, critique), provenance, said=said)


def refine(
    subject: Subject, text: str, critique: str, refined: str, provenance: Provenance, *, said: Sequence[Told] = ()
) -> Row:
    """The actor's refinement of a text that follows a critique."""
    prompt = prompts.render(subject, "refine", layout=settings.PROMPTS, rationale=text, critique=critique)
    return _row("refine", prompt, harmless(refined), provenance, said=said)


def preference(
    subject: Subject, *, chosen: str, rejected: str, provenance: Provenance, said: Sequence[Told] = ()
) -> Row:
    """Two answers to the reason prompt, the better one first (DPO)."""
    prompt = prompts.render(subject, "reason", layout=settings.PROMPTS)
    return _row("preference", prompt, harmless(chosen), provenance, rejected=harmless(rejected), said=said)


def opinion(subject: Subject, text: str, provenance: Provenance, *, approved: bool, said: Sequence[Told] = ()) -> Row:
    """A text that people approved or rejected, as an answer to the reason prompt (KTO)."""
    prompt = prompts.render(subject, "reason", layout=settings.PROMPTS)
    return _row("kto", prompt, harmless(text), provenance, label=approved, said=said)


def extract(subject: Subject, text: str, provenance: Provenance, *, said: Sequence[Told]) -> Row:
    """What a text states, as an answer to the extraction prompt (SFT)."""
    return _row("extract", prompts.render_extraction(subject, text), statements(said), provenance, said=said)


def polarity(
    subject: Subject, text: str, provenance: Provenance, *, chosen: Sequence[Told], rejected: Sequence[Told]
) -> Row:
    """What a text states as people left it, preferred to what was read before (DPO)."""
    prompt = prompts.render_extraction(subject, text)
    return _row("polarity", prompt, statements(chosen), provenance, rejected=statements(rejected), said=chosen)


def trace(subject: Subject, text: str, provenance: Provenance, *, tag: str) -> Row:
    """Yes or No and the reasons, as an answer to the first question about the target: no hint is in the prompt."""
    return replace(_row("trace", render_trace(subject), harmless(text), provenance), tag=tag)


def statements(said: Sequence[Told]) -> str:
    """Statements in the form that the extraction prompt asks for."""
    listed = [
        {
            "quote": harmless(one.quote),
            "about": harmless(one.about),
            "polarity": one.polarity,
            "strength": strength_in_words(one.strength),
            "who": one.who,
        }
        for one in said
    ]
    return json.dumps({"statements": listed}, ensure_ascii=False)


def strength_in_words(strength: float) -> str:
    """How strong a statement is, as the extraction prompt says it."""
    return "strong" if strength > STRONG else "plain" if strength > HEDGED else "hedged"


def judgement(kind: Kind, verdict: JudgementName, critique: str) -> str:
    """A reflection in the form that the reflect prompt asks for, and that parsing.parse_reflection reads."""
    words = "reasonable" if verdict == "reasonable" else "not reasonable"
    critique = "" if verdict == "reasonable" else harmless(critique.strip())
    return f"<Final Judgement>The {NAMES[kind]} is {words}</Final Judgement>\n<Reflection>{critique}</Reflection>"


def _row(
    name: RowSet,
    prompt: Prompt,
    answer: str,
    provenance: Provenance,
    *,
    rejected: str = "",
    label: bool | None = None,
    said: Sequence[Told] = (),
) -> Row:
    provenance = replace(provenance, prompt_name=prompt.name, prompt_hash=prompt.hash)
    return Row(name, prompt.messages, answer, provenance, rejected=rejected, label=label, statements=tuple(said))
