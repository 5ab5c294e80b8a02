"""What lists are filtered by."""

from django import forms
from django.http import HttpRequest

from recommender.accounts.visible import catalogs_of
from recommender.models import Account, Catalog
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


def offer_catalogs(form: forms.Form, account: Account) -> None:
    """Let a form's field `catalog` be one of the account's."""
    field = form.fields["catalog"]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = catalogs_of(account)
