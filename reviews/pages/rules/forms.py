"""Setting a rule: which item, what becomes of it, in which lists, from when until when."""

from datetime import datetime
from typing import Any

from django import forms

from recommender.models import Account, Catalog, Item, Rule, RuleKind
from recommender.serving.rankers import RANKERS
from recommender.serving.rules import MOST_PLACE, Wanted
from reviews.pages.filters import offer_catalogs
from reviews.pages.rules.queries import Found, meant_by

KINDS: dict[str, str] = {
    RuleKind.PIN: "Pin it: it stands at a place",
    RuleKind.BURY: "Bury it: it goes to the end",
    RuleKind.OUT_OF_STOCK: "Out of stock: it is not listed",
}
SCENARIOS = {"": "All lists", "backbone": "Lists that a model ranks", "thinkrec": "Lists that an AI scored"}
LONGEST = Item._meta.get_field("title").max_length  # longer than any id
MINUTE = "%Y-%m-%dT%H:%M"


class _Moment(forms.DateTimeField):
    def __init__(self, **keywords: Any) -> None:
        picker = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MINUTE)
        super().__init__(required=False, widget=picker, **keywords)


class RuleForm(forms.Form):
    """`found`: the items that the typed text may mean; `known` of a valid form: the rule that gives way."""

    catalog = forms.ModelChoiceField(Catalog.objects.none(), to_field_name="name", empty_label=None)
    item = forms.CharField(
        label="Item",
        max_length=LONGEST,
        help_text="Its title, a part of it, or its id.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(label="What becomes of it", choices=list(KINDS.items()))
    place = forms.IntegerField(
        label="At which place", required=False, min_value=1, max_value=MOST_PLACE, help_text="Of a pin; 1 is the first."
    )
    scenario = forms.ChoiceField(
        label="In which lists",
        required=False,
        choices=[(name, SCENARIOS.get(name, name)) for name in ("", *sorted(RANKERS))],
    )
    since = _Moment(label="From (UTC)", help_text="Empty: at once.")
    until = _Moment(label="Until (UTC)", help_text="Empty: until somebody ends it.")
    note = forms.CharField(
        label="Why",
        required=False,
        max_length=Rule._meta.get_field("note").max_length,
        help_text="It stands with the reasons of each list.",
    )

    def __init__(self, *arguments: Any, account: Account, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        offer_catalogs(self, account)
        self.found = Found()
        self.chosen: Item | None = None

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "catalog" in given and "item" in given:
            self.found = meant_by(given["catalog"], given["item"])
            picked = self.data.get("item_id", "")
            self.chosen = next((item for item in self.found.items if item.external_id == picked), self.found.sure)
            if self.chosen is None:
                said = "Which of these is it?" if self.found.items else "No item has this title or id."
                self.add_error("item", said)
        is_pin = given.get("kind") == RuleKind.PIN
        if is_pin and given.get("place") is None and "place" not in self.errors:
            self.add_error("place", "A pin needs its place, from 1.")
        if not is_pin:
            given["place"] = None
        return given

    @property
    def wanted(self) -> Wanted:
        """Of a valid form."""
        assert self.chosen is not None
        told = {name: self.cleaned_data[name] for name in ("scenario", "place", "note", "since", "until")}
        return Wanted(RuleKind(self.cleaned_data["kind"]), self.chosen.external_id, **told)


def as_sent(rule: Rule) -> dict[str, str | int]:
    """What the form would send to set this rule once more."""

    def moment(at: datetime | None) -> str:
        return at.isoformat() if at else ""

    return {
        "catalog": rule.catalog.name,
        "item": rule.item.external_id,
        "kind": rule.kind,
        "place": rule.place or "",
        "scenario": rule.scenario,
        "since": moment(rule.since),
        "until": moment(rule.until),
        "note": rule.note,
    }
