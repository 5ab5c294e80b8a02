"""What lists are filtered by, and what is looked for."""

from typing import Any

from django import forms
from django.http import HttpRequest

from recommender.accounts.visible import catalogs_of
from recommender.models import Account, Catalog, EndUser
from reviews.guards import account_of


class CatalogFilter(forms.Form):
    """`chosen`: one of the account's catalogs, or None for all of them."""

    catalog = forms.ModelChoiceField(
        Catalog.objects.none(), required=False, to_field_name="name", empty_label="All catalogs"
    )

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.GET)
        offer_catalogs(self, account_of(request))

    @property
    def chosen(self) -> Catalog | None:
        return self.cleaned_data.get("catalog") if self.is_valid() else None


class FindForm(forms.Form):
    """Where to look, and for whom or what. `label`: what may be typed."""

    catalog = forms.ModelChoiceField(Catalog.objects.none(), to_field_name="name", empty_label=None)
    q = forms.CharField(
        required=False,
        max_length=EndUser._meta.get_field("external_id").max_length,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *arguments: Any, account: Account, label: str, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.fields["q"].label = label
        offer_catalogs(self, account)


def offer_catalogs(form: forms.Form, account: Account) -> None:
    """Let a form's field `catalog` be one of the account's."""
    field = form.fields["catalog"]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = catalogs_of(account)
