"""The teacher's prompts: those of the three steps with a target, and for texts a final verdict on it."""

from dataclasses import replace

from recommender.llm.types import Prompt
from recommender.rounds.core.prompts import Step, evidence_lines, fill, load
from recommender.rounds.core.types import Kind
from recommender.tuning.teacher.triples import Triple

VERSIONS: dict[tuple[Kind, Step], int] = {
    ("end_user", "reason"): 1,
    ("end_user", "reflect"): 1,
    ("end_user", "refine"): 1,
    ("item", "reason"): 1,
    ("item", "reflect"): 1,
    ("item", "refine"): 1,
}


def render(triple: Triple, step: Step, *, rationale: str = "", critique: str = "") -> Prompt:
    """Write one of the teacher's prompts. Raises TemplateError when the step needs a text that is not given."""
    subject = triple.subject
    template = load(f"teacher/{subject.kind}/{step}", VERSIONS[subject.kind, step])
    if subject.kind == "end_user":
        target = replace(subject, kind="item", title=triple.target_title, attributes=triple.target_attributes)
        more = {"target": evidence_lines.item_lines(target)}
    else:
        more = {"target_history": evidence_lines.history_lines(triple.target_history)}
    system, user = fill(template, subject, rationale=rationale, critique=critique, **more)
    messages = ({"role": "system", "content": system}, {"role": "user", "content": user})
    return Prompt(name=template.name, hash=template.hash, messages=messages, json_schema=None)
