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

    A box holds what was sent and came back, else what the viewer typed before, else what it starts with.
    """
    card, form = context["card"], context["form"]
    number = draft.number if draft else None
    words = {"kept": card.kept, "s": pluralize(card.kept), "draft": number or ""}
    button = {
        "row": row,
        "draft": draft,
        "value": row.value(number),
        "tells": " ".join(sorted(row.tells(number))),
        "key": row.key or (draft.key if draft else ""),
        "label": row.label.format(**words),
        "wide_label": row.wide_label.format(**words),
        "hint": row.hint.format(**words),
    }
    if row.box is None:
        return button
    name = row.field_of(number)
    kept = card.unsent.get(name)
    sent = form.data.get(name) if form else None
    errors = form.errors.get(name, []) if form else []
    is_sent = form is not None and form.data.get("verdict") == button["value"]
    typed = next((text for text in (sent, kept and kept.text) if text is not None), card.fields[name].start)
    return button | {
        "name": name,
        "is_open": bool(errors) or bool(kept) or is_sent,
        "box_label": row.box.label.format(**words),
        "send": row.box.send.format(**words),
        "typed": typed,
        "starts_with": f"draft-{draft.number}-text" if draft else "proposal-text",
        "kept": kept,
        "is_old": kept is not None and kept.version != card.review.version,
        "errors": errors,
    }
