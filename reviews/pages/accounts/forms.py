"""Asking for an account: a name, and what the person may do."""

from django import forms

from recommender.models import Account, Role


class AccountForm(forms.Form):
    name = forms.CharField(label="User name", max_length=Account._meta.get_field("username").max_length)
    role = forms.ChoiceField(label="May", choices=Role.choices, initial=Role.ANNOTATOR)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)
