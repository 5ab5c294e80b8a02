"""What people type: the filters of the queue, and a decision."""

from collections.abc import Mapping
from typing import Any, cast

from django import forms

from recommender.models import Catalog, Judgement, SubjectKind
from recommender.rounds.core import prose
from reviews.choices import ReviewState
from reviews.room import verdicts
from reviews.room.decisions import Seen
from reviews.room.verdicts import About, VerdictRow

LONGEST_TEXT = 20_000  # characters; several times the longest rationale an endpoint may answer with
LONGEST_REASON = 2000


class QueueFilters(forms.Form):
    catalog = forms.ModelChoiceField(
        Catalog.objects.order_by("name"), required=False, to_field_name="name", empty_label="All catalogs"
    )
    kind = forms.ChoiceField(
        label="About",
        required=False,
        choices=[("", "Users and items"), (SubjectKind.END_USER.value, "Users"), (SubjectKind.ITEM.value, "Items")],
    )
    state = forms.ChoiceField(
        required=False,
        choices=[
            ("", "To review"),
            (ReviewState.AWAITING_ACTOR.value, "Being rewritten"),
            (ReviewState.DONE.value, "Decided"),
        ],
    )


class _Text(forms.CharField):
    """Typed text with the line ends it is stored with: browsers send CRLF, models write LF.

    A text of which nothing can be seen is none.
    """

    def to_python(self, value: Any) -> str:
        text = (super().to_python(value) or "").replace("\r\n", "\n").strip()
        return "" if prose.is_blank(text) else text


class DecisionForm(forms.Form):
    """A verdict of the review's strategy, what it needs, the lease, and what was seen.

    Every verdict's text is kept whichever was chosen. `drafts`: of a filtered round each draft's text by its turn's
    index; a verdict about one of them names it. `given`: the row of the verdict, once the form is valid.
    """

    verdict = forms.ChoiceField()
    draft = forms.IntegerField(required=False)
    judgement = forms.ChoiceField(required=False, choices=Judgement.choices)
    text = _Text(required=False, max_length=LONGEST_TEXT)
    critique = _Text(required=False, max_length=LONGEST_TEXT)
    reason = _Text(required=False, max_length=LONGEST_REASON)
    lease_token = forms.CharField(required=False, max_length=32)
    version = forms.IntegerField()
    turns = forms.IntegerField()
    text_hash = forms.CharField(required=False, max_length=64)

    given: VerdictRow

    def __init__(
        self, *args: Any, strategy: str, proposal: str = "", drafts: Mapping[int, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.strategy, self.proposal, self.drafts = strategy, proposal, drafts or {}
        names = [(row.name, row.badge) for row in verdicts.of_strategy(strategy)]
        cast(forms.ChoiceField, self.fields["verdict"]).choices = names

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "verdict" not in data:
            return data
        given = verdicts.find(self.strategy, data["verdict"], data.get("judgement", ""))
        before = self.drafts.get(data.get("draft", -1), "") if given and given.about is About.DRAFT else self.proposal
        if given is None or (given.about is About.DRAFT and not before):
            self.add_error("draft", "Choose a draft.")
            return data
        self.given = given
        if (box := given.box) and box.field in data:
            if box.missing and not data[box.field]:
                self.add_error(box.field, box.missing)
            elif box.unchanged and data[box.field] == before.strip():
                self.add_error(box.field, box.unchanged)
        return data

    @property
    def is_incomplete(self) -> bool:
        """Whether something is wrong that nobody typed."""
        return bool(self.errors) and not any(isinstance(self.fields.get(name), _Text) for name in self.errors)

    @property
    def seen(self) -> Seen:
        data = self.cleaned_data
        return Seen(version=data["version"], turns=data["turns"], text_hash=data["text_hash"])

    @property
    def verdict_text(self) -> str:
        """The text that belongs to the verdict: what was typed in its box."""
        return str(self.cleaned_data[self.given.box.field]) if self.given.box else ""
