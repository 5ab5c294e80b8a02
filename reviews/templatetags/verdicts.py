"""Template tags of verdicts: the button of one that can be given, and what one that was given is called."""

from typing import Any

from django import template
from django.template import RequestContext
from django.template.defaultfilters import pluralize

from reviews.models import Decision
from reviews.room.turns import DraftOnCard
from reviews.room.verdicts import VerdictRow, of_decision

register = template.Library()


@register.filter
def given_on(decision: Decision, strategy: str) -> VerdictRow:
    """The verdict that a decision is, in a round of this strategy."""
    return of_decision(decision, strategy)


@register.inclusion_tag("reviews/_verdict.html", takes_context=True)
def verdict_button(context: RequestContext, row: VerdictRow, draft: DraftOnCard | None = None) -> dict[str, Any]:
    """A verdict's button, or the box that it opens: of the card, or of one of its drafts.

    An edit starts with the rationale, or with what was typed in its place; any other box with what was typed in it.
    """
    card, form, box = context["card"], context["form"], row.box
    words = {"kept": card.kept, "s": pluralize(card.kept), "draft": draft.number if draft else ""}
    is_here = draft is None or context["typed_draft"] == draft.text.turn.index  # where something was typed
    is_open = is_here and context["typed_verdict"] == row.name
    typed = (form[box.field].value() or "") if box and form and is_here else ""
    if box and box.field == "text":
        typed = draft.text.turn.text if draft and not is_open else context["typed_text"]
    return {
        "row": row,
        "draft": draft,
        "key": row.key or (draft.key if draft else ""),
        "label": row.label.format(**words),
        "wide_label": row.wide_label.format(**words),
        "hint": row.hint.format(**words),
        "is_open": is_open,
        "box_label": box.label.format(**words) if box else "",
        "send": box.send.format(**words) if box else "",
        "typed": typed,
        "errors": form.errors.get(box.field, []) if box and form and is_here else [],
    }
