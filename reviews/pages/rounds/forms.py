"""Asking for rounds: what people choose, in words."""

from typing import get_args

from django import forms
from django.conf import settings

from recommender.models import Catalog, Strategy
from recommender.rounds.evidence import MOST_WINDOWS, SLIDING, WindowName

MOST_AT_ONCE = 2_000  # of each kind; the command opens more
SUBJECTS = {"all": "End users and items", "end-users": "End users", "items": "Items"}
WINDOWS: dict[WindowName, str] = {
    "prefix": "The first half of each history",
    "latest": "The end of each history",
    "sliding": "Windows of ten interactions along each history",
}
STRATEGIES = {
    Strategy.REFINE: "Refine a draft until it is reasonable",
    Strategy.FILTER: "Judge several drafts, keep the reasonable",
}


class OpenForm(forms.Form):
    catalog = forms.ModelChoiceField(Catalog.objects.order_by("name"), to_field_name="name", empty_label=None)
    subjects = forms.ChoiceField(label="About", choices=list(SUBJECTS.items()))
    limit = forms.IntegerField(
        label="At most",
        initial=200,
        min_value=1,
        max_value=MOST_AT_ONCE,
        help_text="So many end users, and so many items: those without a round and with the most interactions first.",
    )
    window = forms.ChoiceField(
        label="Evidence",
        choices=[(name, WINDOWS[name]) for name in get_args(WindowName)],
        help_text="The first half leaves later interactions to learn from; the end describes people as they are now; "
        "windows give an end user several texts, each for what came after it. Windows of items are the first half.",
    )
    windows = forms.IntegerField(
        label="Windows of each end user", required=False, min_value=1, max_value=100, initial=MOST_WINDOWS
    )
    stride = forms.IntegerField(
        label="Interactions from window to window", required=False, min_value=1, max_value=1000, initial=SLIDING
    )
    strategy = forms.ChoiceField(required=False, choices=list(STRATEGIES.items()))
    drafts = forms.IntegerField(
        label="Drafts to sample", required=False, min_value=2, max_value=20, initial=lambda: settings.ROUND_DRAFTS
    )
    low_activity = forms.IntegerField(
        label="Leave out end users with fewer interactions than",
        required=False,
        min_value=0,
        max_value=1000,
        initial=lambda: settings.LOW_ACTIVITY,
        help_text="They get no text of their own; training can give them the knowledge of their items instead.",
    )
