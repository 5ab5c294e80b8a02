"""Asking for an account: a name, and what the person may do. Filtering the log."""

from typing import Any

from django import forms

from recommender.accounts import openid
from recommender.models import Account, AuditEntry, Catalog, Role
from reviews.pages.accounts.queries import KINDS

LONGEST_EMAIL = Account._meta.get_field("email").max_length


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
    email = forms.EmailField(label="E-mail address", required=False, max_length=LONGEST_EMAIL)

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        if not openid.name():
            del self.fields["email"]
            return
        self.fields["email"].help_text = f"To sign in with {openid.name()}."


class CatalogsForm(forms.Form):
    catalogs = _catalogs()


class EmailForm(forms.Form):
    email = forms.EmailField(required=False, max_length=LONGEST_EMAIL)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class LogFilter(forms.Form):
    kind = forms.ChoiceField(
        label="What", required=False, choices=[("", "Everything"), *((key, kind.label) for key, kind in KINDS.items())]
    )
    who = forms.CharField(label="By or about", required=False, max_length=AuditEntry._meta.get_field("name").max_length)
