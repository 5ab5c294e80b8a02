"""What people choose: a catalog, an end user's id, how long a list, and whose order."""

from typing import Any

from django import forms

from recommender.models import Account, Catalog, EndUser
from recommender.serving.rankers import RANKERS
from reviews.pages.filters import offer_catalogs

LENGTHS = (10, 25, 50)


class FindForm(forms.Form):
    catalog = forms.ModelChoiceField(Catalog.objects.none(), to_field_name="name", empty_label=None)
    q = forms.CharField(
        label="User's id, or an item's title or keyword",
        required=False,
        max_length=EndUser._meta.get_field("external_id").max_length,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *arguments: Any, account: Account, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        offer_catalogs(self, account)


class ListForm(forms.Form):
    """How long a list, and whose order: the model's, or that of an LLM which scores what the model would list."""

    limit = forms.TypedChoiceField(coerce=int, choices=[(n, n) for n in LENGTHS], required=False)
    by = forms.ChoiceField(choices=[(name, name) for name in RANKERS], required=False)
