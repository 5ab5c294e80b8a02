"""What lists are filtered by."""

from django import forms

from recommender.models import Catalog


class CatalogFilter(forms.Form):
    catalog = forms.ModelChoiceField(
        Catalog.objects.order_by("name"), required=False, to_field_name="name", empty_label="All catalogs"
    )
