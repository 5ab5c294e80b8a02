"""What people say when they change which version serves: why they override gates, and how one is tried."""

from django import forms

from recommender.models import RolloutMode
from recommender.rounds.core import prose

LONGEST_REASON = 1000


class ReasonForm(forms.Form):
    """Why a version takes over although gates have not passed, or why one goes back."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with your name, for everybody to read.",
    )

    def clean_reason(self) -> str:
        reason = str(self.cleaned_data["reason"])
        if prose.is_blank(reason):
            raise forms.ValidationError("Say why, in words that can be read.")
        return reason


class RolloutForm(forms.Form):
    mode = forms.ChoiceField(
        label="How",
        choices=[
            (RolloutMode.SHADOW, "Unseen: it runs along, nobody gets its lists"),
            (RolloutMode.CANARY, "With some users: they get its lists"),
        ],
    )
    percent = forms.FloatField(
        label="Share, in %",
        min_value=0.01,
        max_value=100,
        initial=5,
        help_text="Of the requests where it is unseen, else of the users: always the same ones.",
    )
