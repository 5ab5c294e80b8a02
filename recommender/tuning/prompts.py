"""The teacher's prompts: those of the three steps with a target, and for texts a final verdict on it."""

from dataclasses import replace

from recommender.reasoning.prompts import Step, listing, load
from recommender.reasoning.types import Kind, Prompt
from recommender.tuning.triples import Triple

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
    catalog = {
        "item_noun": listing.harmless(subject.item_noun),
        "item_nouns": listing.harmless(listing.plural(subject.item_noun)),
        "rating_rule": listing.rating_rule(subject),
    }
    used = template.variables("system", "user")
    values = {name: value for name, value in catalog.items() if name in used}
    if subject.kind == "end_user":
        target = replace(subject, kind="item", title=triple.target_title, attributes=triple.target_attributes)
        values |= {"history": listing.history_lines(subject.history), "target": listing.item_lines(target)}
    else:
        values |= {
            "item": listing.item_lines(subject),
            "liker": listing.history_lines(subject.liker),
            "disliker": listing.history_lines(subject.disliker),
            "target_history": listing.history_lines(triple.target_history),
        }
    for name, text in (("rationale", rationale), ("critique", critique)):
        if text.strip():
            values[name] = listing.harmless(text.strip())
    system, user = template.render("system", "user", **values)
    messages = ({"role": "system", "content": system}, {"role": "user", "content": user})
    return Prompt(name=template.name, hash=template.hash, messages=messages, json_schema=None)
