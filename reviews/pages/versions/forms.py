"""What people say when they change which version serves: why they override gates, and how one is tried."""

from django import forms

from recommender.models import RolloutMode

LONGEST_REASON = 1000


class OverrideForm(forms.Form):
    reason = forms.CharField(
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with your name and the open questions, for everybody to read.",
    )


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
