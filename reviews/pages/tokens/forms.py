"""Asking for a token: what it is for, what it opens, how often and how long."""

from typing import Any

from django import forms
from django.conf import settings

from recommender.accounts.tokens import MOST_PER_MINUTE, READING
from recommender.models import Account, ApiToken, Catalog, TokenScope
from reviews.pages.filters import offer_catalogs


class TokenForm(forms.Form):
    name = forms.CharField(label="What is it for?", max_length=ApiToken._meta.get_field("name").max_length)
    days = forms.TypedChoiceField(
        label="It expires",
        coerce=int,
        choices=[(30, "in 30 days"), (90, "in 90 days"), (365, "in a year"), (0, "never")],
        initial=90,
    )
    catalog = forms.ModelChoiceField(
        Catalog.objects.none(), required=False, to_field_name="name", empty_label="All that you may see"
    )
    per_minute = forms.IntegerField(
        label="Requests a minute, at most", required=False, min_value=1, max_value=MOST_PER_MINUTE
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope.value, f"{scope.label} ({scope.value})") for scope in TokenScope],
        initial=READING,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick at least one."},
    )

    def __init__(self, *arguments: Any, account: Account, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        offer_catalogs(self, account)
        usual = settings.API_PER_MINUTE
        self.fields["per_minute"].help_text = (
            f"Empty: {usual:,}, as in the settings." if usual else "Empty: any number."
        )
