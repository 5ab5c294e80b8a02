"""What people choose: a catalog, an end user's id, how long a list."""

from django import forms

from recommender.models import Catalog, EndUser

LENGTHS = (10, 25, 50)


class FindForm(forms.Form):
    catalog = forms.ModelChoiceField(Catalog.objects.order_by("name"), to_field_name="name", empty_label=None)
    q = forms.CharField(
        label="User's id",
        required=False,
        max_length=EndUser._meta.get_field("external_id").max_length,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )


class LengthForm(forms.Form):
    limit = forms.TypedChoiceField(coerce=int, choices=[(n, n) for n in LENGTHS], required=False)
