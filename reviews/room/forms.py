"""What people type: the filters of the queue, and a decision."""

from collections.abc import Mapping
from typing import Any

from django import forms

from recommender.models import Catalog, Judgement, SubjectKind
from reviews.choices import ReviewState, Verdict
from reviews.room.decisions import Seen

LONGEST_TEXT = 20_000  # characters; several times the longest rationale an endpoint may answer with
LONGEST_REASON = 2000


class QueueFilters(forms.Form):
    catalog = forms.ModelChoiceField(
        Catalog.objects.order_by("name"), required=False, to_field_name="name", empty_label="All catalogs"
    )
    kind = forms.ChoiceField(
        label="Subject",
        required=False,
        choices=[("", "All subjects"), *((kind.value, f"{kind.label}s") for kind in SubjectKind)],
    )
    state = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Open"),
            (ReviewState.AWAITING_ACTOR.value, "Awaiting the actor"),
            (ReviewState.DONE.value, "Done"),
        ],
    )


class _Text(forms.CharField):
    """Typed text with the line ends it is stored with: browsers send CRLF, models write LF."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n").strip()


class DecisionForm(forms.Form):
    """A verdict, what it needs, the lease, and what was seen. Every verdict's text is kept whichever was chosen.

    `drafts`: of a filtered round each draft's text by its turn's index; an edit or an override names one of them, and
    an override says what it is judged to be.
    """

    verdict = forms.ChoiceField(choices=Verdict.choices)
    draft = forms.IntegerField(required=False)
    judgement = forms.ChoiceField(required=False, choices=Judgement.choices)
    text = _Text(required=False, max_length=LONGEST_TEXT)
    critique = _Text(required=False, max_length=LONGEST_TEXT)
    reason = _Text(required=False, max_length=LONGEST_REASON)
    lease_token = forms.CharField(required=False, max_length=32)
    version = forms.IntegerField()
    turns = forms.IntegerField()
    text_hash = forms.CharField(required=False, max_length=64)

    def __init__(self, *args: Any, proposal: str = "", drafts: Mapping[int, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.proposal, self.drafts = proposal, drafts

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        verdict = data.get("verdict")
        before = self.proposal
        if self.drafts is not None and verdict in (Verdict.EDIT, Verdict.OVERRIDE):
            before = self.drafts.get(data.get("draft", -1), "")
            if not before or (verdict == Verdict.OVERRIDE and not data.get("judgement")):
                self.add_error("draft", "Choose a draft.")
        if verdict == Verdict.EDIT and "text" in data:
            if not data["text"]:
                self.add_error("text", "Write the text that should be put in force.")
            elif data["text"] == before.strip():
                self.add_error("text", "You have not changed the text. Approve it, or change it first.")
        if verdict == Verdict.OVERRIDE and self.drafts is None and not data.get("critique", "-"):
            self.add_error("critique", "Tell the actor what to change.")
        return data

    @property
    def seen(self) -> Seen:
        data = self.cleaned_data
        return Seen(version=data["version"], turns=data["turns"], text_hash=data["text_hash"])

    @property
    def verdict_text(self) -> str:
        """The text that belongs to the verdict: the edit, or the critique."""
        texts = {Verdict.EDIT: "text", Verdict.OVERRIDE: "critique"}
        field = texts.get(self.cleaned_data["verdict"])
        return str(self.cleaned_data[field]) if field else ""
