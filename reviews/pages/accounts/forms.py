"""Asking for an account: a name, and what the person may do."""

from django import forms

from recommender.models import Account, Catalog, Role


def _catalogs() -> "forms.ModelMultipleChoiceField[Catalog]":
    return forms.ModelMultipleChoiceField(
        Catalog.objects.order_by("name"),
        required=False,
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all catalogs.",
    )


class AccountForm(forms.Form):
    name = forms.CharField(label="User name", max_length=Account._meta.get_field("username").max_length)
    role = forms.ChoiceField(label="May", choices=Role.choices, initial=Role.ANNOTATOR)
    catalogs = _catalogs()


class CatalogsForm(forms.Form):
    catalogs = _catalogs()


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)
