"""Whom or what to erase, by the id in one's own data."""

from typing import Any

from django import forms

from recommender.accounts.visible import catalogs_of
from recommender.erasure.queries import find
from recommender.models import Account, Catalog, EndUser, Erasure, SubjectKind

KINDS = {"users": SubjectKind.END_USER, "items": SubjectKind.ITEM}


class WhomForm(forms.Form):
    catalog = forms.ModelChoiceField(Catalog.objects.none(), to_field_name="name", empty_label=None)
    kind = forms.ChoiceField(label="What", choices=[("users", "A user"), ("items", "An item")])
    id = forms.CharField(
        max_length=EndUser._meta.get_field("external_id").max_length,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        catalogs = self.fields["catalog"]
        assert isinstance(catalogs, forms.ModelChoiceField)
        catalogs.queryset = catalogs_of(account)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "catalog" in given and "id" in given:
            kind = KINDS[given.get("kind", "users")]
            if find(given["catalog"], kind, given["id"]) is None:
                erased = Erasure.objects.named(given["catalog"], kind, given["id"])
                said = f"It was erased already: receipt {erased.pk}." if erased else "There is nothing with this id."
                self.add_error("id", said)
        return given
