"""Exported rows as tokens: which are learnt, which are held out, which are too long."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from recommender.llm.learned import folded
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.parsing import parse_reflection
from recommender.rounds.core.types import Kind
from recommender.tuning.config import SETS_OF, CannotTuneError, TuneConfig, TunedRole
from recommender.tuning.rows import judgement

Told = Callable[[list[dict[str, str]]], list[dict[str, str]]]  # a row's messages as the model's template takes them
KINDS = {"end-users": ("end_user",), "items": ("item",), "all": ("end_user", "item")}


@dataclass(frozen=True, slots=True)
class Example:
    """`prompt` and `answer` are token ids. `verdicts`: of reflections, both judgements' tokens, the true one first."""

    prompt: list[int]
    answer: list[int]
    subject: str
    verdicts: tuple[list[int], list[int]] | None = None

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True, slots=True)
class Examples:
    train: list[Example]
    valid: list[Example]
    too_long: int


def load(folder: Path, tokenizer: Any, *, config: TuneConfig, role: TunedRole) -> Examples:
    """Read the JSONL sets of a role and hold some subjects out. Raises CannotTuneError when too little is there."""
    if not tokenizer.chat_template:
        raise CannotTuneError(
            f"The tokenizer of {config.base} has no chat template: choose an instruction-tuned model."
        )
    told: Told = folded if _has_no_system_role(tokenizer, config.base) else list
    rows = _rows(folder, SETS_OF[role], KINDS[config.subjects])
    examples = [_example(row, tokenizer, role, told) for row in rows]
    short = [example for example in examples if len(example) <= config.cutoff]
    held_out = _held_out({example.subject for example in short}, share=config.validation, seed=config.seed)
    found = Examples(
        train=[example for example in short if example.subject not in held_out],
        valid=[example for example in short if example.subject in held_out],
        too_long=len(examples) - len(short),
    )
    if not found.train or not found.valid:
        raise CannotTuneError(
            f"There are {len(short)} rows for the {role} (and {found.too_long} above the cutoff of {config.cutoff} "
            "tokens); tuning needs rows of at least two subjects. Decide reviews, build training sets, or raise the "
            "cutoff."
        )
    return found


def _rows(folder: Path, sets: Iterable[str], kinds: Sequence[str]) -> Iterator[dict[str, Any]]:
    for name in sets:
        path = folder / "jsonl" / f"{name}.jsonl"
        if path.is_file():
            with path.open(encoding="utf-8") as stream:
                for line in stream:
                    row = json.loads(line)
                    if row["provenance"]["subject_kind"] in kinds:
                        yield row


def _has_no_system_role(tokenizer: Any, base: str) -> bool:
    """Whether the chat template refuses a system message, as Gemma's and Mistral's do, or drops it without a word."""
    system = {"role": "system", "content": "Here are the instructions."}
    user = {"role": "user", "content": "Here is the data."}
    try:
        return system["content"] not in tokenizer.apply_chat_template([system, user], tokenize=False)
    except TemplateError:
        pass
    try:
        tokenizer.apply_chat_template([user], tokenize=False, add_generation_prompt=True)
    except TemplateError as error:
        raise CannotTuneError(f"The chat template of {base} cannot be used: {error}.") from error
    return True


def _example(row: dict[str, Any], tokenizer: Any, role: TunedRole, told: "Told") -> Example:
    def tokens(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False).input_ids)

    kind: Kind = row["provenance"]["subject_kind"]
    answer = row["completion"][0]["content"]
    verdicts = None
    if role == "reflector":
        texts, negative = _verdicts(kind), is_negative(kind, answer)
        verdicts = (tokens(texts[negative]), tokens(texts[not negative]))
    prompt = tokenizer.apply_chat_template(told(row["prompt"]), tokenize=False, add_generation_prompt=True)
    return Example(
        prompt=tokens(prompt),
        answer=[*tokens(answer), tokenizer.eos_token_id],
        subject=f"{kind} {row['provenance']['subject']}",
        verdicts=verdicts,
    )


def _verdicts(kind: Kind) -> tuple[str, str]:
    """The line that says "reasonable", and the one that says it is not."""
    yes, no = (judgement(kind, verdict, "").partition("\n")[0] for verdict in ("reasonable", "not_reasonable"))
    return yes, no


def is_negative(kind: Kind, answer: str) -> bool:
    """Whether a reflect row teaches "not reasonable". Its first line says it, whatever the critique quotes.

    Raises CannotTuneError where neither that line nor the rest can be read.
    """
    if (first := answer.partition("\n")[0]) in (verdicts := _verdicts(kind)):
        return first == verdicts[True]
    try:
        return parse_reflection(answer).verdict == "not_reasonable"
    except MalformedAnswerError as error:
        raise CannotTuneError(f"A reflect row cannot be read: {error}") from error


def _held_out(subjects: set[str], *, share: float, seed: int) -> set[str]:
    """A fixed share of subjects, at least one: no subject is on both sides."""
    ordered = sorted(subjects, key=lambda subject: hashlib.sha256(f"{seed} {subject}".encode()).digest())
    return set(ordered[: math.ceil(share * len(ordered))]) if len(ordered) > 1 else set()
