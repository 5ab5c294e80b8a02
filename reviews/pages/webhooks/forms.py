"""Whom to tell of what, for how long an old secret is good, and from when on to send again."""

from typing import Any

from django import forms

from recommender.models import Account, Catalog, WebhookEndpoint, WebhookEvent
from recommender.models.webhooks import LONGEST_DESCRIPTION, LONGEST_URL
from recommender.webhooks import guard
from reviews.pages.filters import offer_catalogs


class ChangeForm(forms.Form):
    url = forms.CharField(
        label="Address", max_length=LONGEST_URL, widget=forms.TextInput(attrs={"inputmode": "url"}),
        help_text="https, and a public address",
    )  # fmt: skip
    description = forms.CharField(label="What is it for?", max_length=LONGEST_DESCRIPTION, required=False)
    events = forms.MultipleChoiceField(
        label="It is told when",
        choices=[(event.value, f"{event.label} ({event.value})") for event in WebhookEvent],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick at least one."},
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            guard.parsed(url)
        except guard.RefusedUrlError as error:
            raise forms.ValidationError(str(error)) from error
        return url

    @classmethod
    def of(cls, endpoint: WebhookEndpoint, data: Any = None) -> "ChangeForm":
        now = {"url": endpoint.url, "description": endpoint.description, "events": endpoint.events}
        return cls(data, initial=now)


class AddForm(ChangeForm):
    catalog = forms.ModelChoiceField(Catalog.objects.none(), to_field_name="name", empty_label=None)
    field_order = ["catalog", "url", "description", "events"]

    def __init__(self, *arguments: Any, account: Account, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        offer_catalogs(self, account)


class SecretForm(forms.Form):
    overlap_hours = forms.TypedChoiceField(
        label="The old one is good for",
        coerce=int,
        choices=[(24, "another day"), (168, "another week"), (1, "another hour"), (0, "no longer: it has leaked")],
    )


class SinceForm(forms.Form):
    days = forms.TypedChoiceField(
        label="Written in the last",
        coerce=int,
        choices=[(1, "24 hours"), (3, "3 days"), (7, "7 days"), (30, "30 days")],
    )
