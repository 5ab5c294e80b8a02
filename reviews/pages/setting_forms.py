"""Forms of settings: labels, help, choices, ranges and defaults are read from the settings themselves."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, ClassVar, cast

from django import forms
from django.forms import BoundField

from recommender.dataset import split as splits
from recommender.models import Account, Catalog, Clock
from recommender.recipe import BACKBONES, BY_ORDER, require_order
from recommender.runs.errors import CannotTrainError
from recommender.setting import Setting, SettingError
from reviews.pages.filters import offer_catalogs


def field_of(setting: Setting, **more: Any) -> forms.Field:
    """The form field of a setting; what is left empty is as by default. `more` changes what is special to a page."""
    told: dict[str, Any] = {
        "label": setting.label,
        "help_text": setting.help,
        "required": False,
        "initial": setting.default,
    }
    if setting.kind == "choice":
        return forms.ChoiceField(**told | {"choices": setting.words} | more)
    if setting.kind == "choices":
        words = {"choices": setting.words, "widget": forms.CheckboxSelectMultiple, "initial": list(setting.default)}
        return forms.MultipleChoiceField(**told | words | more)
    if setting.kind == "switch":
        return forms.BooleanField(**told | more)
    limits = {side: bound[1] for side, bound in (("min", setting.low), ("max", setting.high)) if bound}
    if setting.kind == "whole number":
        widget = forms.NumberInput(attrs={name: int(limit) for name, limit in limits.items()})
        return forms.IntegerField(**told | {"widget": widget} | more)
    return forms.FloatField(**told | more)


def require_fitting(catalog: Catalog | None, *, split: str, field: str, backbones: Collection[str]) -> None:
    """Raises SettingError for what is about what came first, where the catalog does not say that.

    `field`: what the form calls the choice of backbones.
    """
    clock = catalog.clock if catalog else Clock.SECONDS
    wrong: list[SettingError] = []
    checks = {"split": partial(splits.require_order, split), field: partial(require_order, backbones)}
    for name, check in checks.items():
        try:
            check(clock)
        except CannotTrainError as error:
            wrong.append(SettingError(name, f"does not fit. {error}"))
    if wrong:
        raise SettingError(wrong[0].field, wrong[0].wrong, more=tuple(wrong[1:]))


class SettingsForm(forms.Form):
    """A form about settings of one kind of run. What is refused comes back beside the field it is about."""

    special: ClassVar[Mapping[str, dict[str, Any]]] = {}  # what a page changes about fields

    catalog = forms.ModelChoiceField(Catalog.objects.none(), to_field_name="name", empty_label=None)

    def __init__(self, *arguments: Any, account: Account, **keywords: Any) -> None:
        """`account`: who asks, and may choose among its catalogs."""
        super().__init__(*arguments, **keywords)
        offer_catalogs(self, account)
        self.told = self.settings()
        for name, setting in self.told.items():
            self.fields[name] = field_of(setting, **self.special.get(name, {}))

    def settings(self) -> dict[str, Setting]:
        """The settings that are asked for, in their order."""
        raise NotImplementedError

    def build(self, chosen: dict[str, Any], data: dict[str, Any]) -> None:
        """Make and keep the run's settings from those that were filled in. Raises SettingError."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        chosen = {name: data[name] for name in self.told if data.get(name) not in (None, "")}
        for name, setting in self.told.items():
            if (needed := setting.only_with) and data.get(needed.setting) != needed.value:
                chosen.pop(name, None)
                self.errors.pop(name, None)
        try:
            self.build(chosen, data)
        except SettingError as error:
            for one in error.all:
                if one.field in self.fields:
                    self.add_error(one.field, f"{self[one.field].label} {one.wrong}")
                else:
                    self.add_error(None, str(one))
        return data

    @property
    def without_order(self) -> str:
        """What to know before choosing a catalog that does not say what came first; empty where all do."""
        offered = cast("forms.ModelChoiceField[Catalog]", self.fields["catalog"]).queryset
        names = [catalog.name for catalog in offered if not catalog.ordered] if offered is not None else []
        if not names:
            return ""
        refused = ", ".join(BACKBONES[name].label for name in BY_ORDER)
        return (
            f"Imported without an order: {', '.join(names)}. There each history is read in an order drawn by chance. "
            f"{refused} learn from the order alone, so they are refused; SIM learns nothing from how long ago a rating "
            "was, and Drift finds nothing."
        )

    @property
    def shown(self) -> list[tuple[BoundField, str]]:
        """The fields, each with the choice of another one that it is shown with, or nothing."""
        needed = {name: setting.only_with for name, setting in self.told.items()}
        return [(field, only.value if (only := needed.get(field.name)) else "") for field in self]
