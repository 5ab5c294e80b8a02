"""What the card's templates are told of a verdict's button."""

from typing import Any

from django.template.defaultfilters import pluralize

from reviews.room.card import Card
from reviews.room.forms import DecisionForm
from reviews.room.turns import DraftOnCard
from reviews.room.verdict_row import VerdictRow


def button_of(
    card: Card, form: DecisionForm | None, row: VerdictRow, draft: DraftOnCard | None = None
) -> dict[str, Any]:
    """A verdict's button, or the box that it opens: of the card, or of one of its drafts.

    A box holds what was sent and came back, else what the viewer typed before, else what it starts with.
    """
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
    errors: Any = form.errors.get(name, []) if form else []
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
