"""Template filters of verdicts."""

from django import template

from reviews.models import Decision
from reviews.room.verdict_row import VerdictRow
from reviews.room.verdicts import of_decision

register = template.Library()


@register.filter
def given_on(decision: Decision, strategy: str) -> VerdictRow:
    """The verdict that a decision is, in a round of this strategy."""
    return of_decision(decision, strategy)
