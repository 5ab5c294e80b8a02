"""What people type: the filters of the queue, and a decision."""

from collections.abc import Mapping
from typing import Any

from django import forms

from recommender.accounts.visible import catalogs_of
from recommender.models import Account, Catalog
from recommender.rounds.core import prose
from reviews.choices import Kind, ReviewState
from reviews.room import verdicts
from reviews.room.card import Card
from reviews.room.decisions import Seen
from reviews.room.turns import DraftOnCard
from reviews.room.verdict_row import About, VerdictRow

LONGEST_TEXT = 20_000  # characters; several times the longest rationale an endpoint may answer with
LONGEST_REASON = 2000


class QueueFilters(forms.Form):
    catalog = forms.ModelChoiceField(
        Catalog.objects.none(), required=False, to_field_name="name", empty_label="All catalogs"
    )
    kind = forms.ChoiceField(
        label="About",
        required=False,
        choices=[("", "Everything"), *Kind.choices],
    )
    state = forms.ChoiceField(
        required=False,
        choices=[
            ("", "To review"),
            (ReviewState.AWAITING_ACTOR.value, "Being rewritten"),
            (ReviewState.DONE.value, "Decided"),
        ],
    )

    def __init__(self, data: Mapping[str, Any], *, account: Account) -> None:
        super().__init__(data)
        catalog = self.fields["catalog"]
        assert isinstance(catalog, forms.ModelChoiceField)
        catalog.queryset = catalogs_of(account)


class _Text(forms.CharField):
    """Typed text with the line ends it is stored with: browsers send CRLF, models write LF.

    A text of which nothing can be seen is none.
    """

    def to_python(self, value: Any) -> str:
        return _tidy(super().to_python(value) or "")


def _tidy(value: str) -> str:
    text = value.replace("\r\n", "\n").strip()
    return "" if prose.is_blank(text) else text


_REASON, _TEXT = (_Text(required=False, max_length=longest) for longest in (LONGEST_REASON, LONGEST_TEXT))


class DecisionForm(forms.Form):
    """What a card sends: a verdict, what was typed into its boxes, the lease, and what was seen.

    `given` and `draft`: the row of the verdict, and the draft that it names, once the form is valid. A verdict that
    ends the review takes along all that was typed, or none is taken: words that it does not tell are an error.
    """

    verdict = forms.CharField(max_length=40)
    lease_token = forms.CharField(required=False, max_length=32)
    version = forms.IntegerField()
    turns = forms.IntegerField()
    text_hash = forms.CharField(required=False, max_length=64)

    given: VerdictRow
    draft: DraftOnCard | None

    def __init__(self, data: Mapping[str, Any], *, card: Card) -> None:
        super().__init__(data)
        self.card = card
        for name in card.fields:
            self.fields[name] = _REASON if name in ("reason", "although", "statement") else _TEXT

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "verdict" not in data:
            return data
        name, *about = data["verdict"].split(".")
        number = int(about[0]) if about and about[0].isdecimal() and len(about[0]) < 4 else None
        judgement = about[-1] if about and not about[-1].isdecimal() else ""
        given = verdicts.find(self.card.rows, name, judgement)
        draft = next((each for each in self.card.drafts if each.number == number), None)
        is_about_draft = given is not None and given.about is About.DRAFT
        if given is None or (number is not None) != is_about_draft or (is_about_draft and draft is None):
            self.add_error("verdict", "Choose what to do.")
            return data
        self.given, self.draft = given, draft
        self._check_its_box()
        if given.state_after != ReviewState.OPEN:
            for field in self._untold():
                self.add_error(field, "You typed this too. Send it, or empty it before you go on.")
        return data

    def _check_its_box(self) -> None:
        box, name = self.given.box, self.told
        if box is None or name not in self.cleaned_data:
            return
        text = self.cleaned_data[name]
        if box.missing and not text:
            self.add_error(name, box.missing)
        elif box.unchanged and text == self.card.fields[name].start.strip():
            self.add_error(name, box.unchanged)
        elif text and box.field == "text" and (wrong := self.card.wrong_with(text)):
            self.add_error(name, wrong)

    def _untold(self) -> list[str]:
        """The fields that were typed into and that the verdict leaves aside."""
        told = self.given.tells(self._number)
        raw = {name: str(self.data.get(name, "")) for name in self.card.fields if name not in told}
        return [name for name, value in raw.items() if self.card.fields[name].typed(value)]

    @property
    def _number(self) -> int | None:
        return self.draft.number if self.draft else None

    @property
    def told(self) -> str:
        """The name of the verdict's own field."""
        return self.given.field_of(self._number)

    @property
    def is_incomplete(self) -> bool:
        """Whether something is wrong that nobody typed."""
        return any(name not in self.card.fields for name in self.errors)

    @property
    def seen(self) -> Seen:
        data = self.cleaned_data
        return Seen(version=data["version"], turns=data["turns"], text_hash=data["text_hash"])

    @property
    def text(self) -> str:
        """The text that belongs to the verdict: what was typed in its box."""
        if not self.given.box:
            return ""
        return str(self.cleaned_data.get(self.told, _tidy(str(self.data.get(self.told, "")))))

    @property
    def is_late(self) -> bool:
        """Whether the form is about an earlier version of the review, or one that is not open any more."""
        review, version = self.card.review, self.cleaned_data.get("version")
        told = hasattr(self, "given") and {"version", "turns", "text_hash"} <= self.cleaned_data.keys()
        return told and (review.state != ReviewState.OPEN or version != review.version)

    @property
    def reason(self) -> str:
        """What is kept with the decision: why a text is right although its evidence says otherwise, or why at all."""
        box = self.given.box
        return str(self.cleaned_data.get(box.field if box and box.field == "although" else "reason", ""))
