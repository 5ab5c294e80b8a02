"""Asking for a token: what it is for and how long it opens the API."""

from django import forms

from recommender.models import ApiToken


class TokenForm(forms.Form):
    name = forms.CharField(label="What is it for?", max_length=ApiToken._meta.get_field("name").max_length)
    days = forms.TypedChoiceField(
        label="It expires",
        coerce=int,
        choices=[(30, "in 30 days"), (90, "in 90 days"), (365, "in a year"), (0, "never")],
        initial=90,
    )
