"""What people choose: how long a list, and whose order."""

from django import forms

from recommender.serving.rankers import RANKERS

LENGTHS = (10, 25, 50)


class ListForm(forms.Form):
    """How long a list, and whose order: the model's, or that of an LLM which scores what the model would list."""

    limit = forms.TypedChoiceField(coerce=int, choices=[(n, n) for n in LENGTHS], required=False)
    by = forms.ChoiceField(choices=[(name, name) for name in RANKERS], required=False)
