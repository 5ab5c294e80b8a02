"""What people choose: whose groups to see, whom to find among them, and how new ones are made."""

from typing import Any

from django import forms
from django.forms import BoundField

from recommender.models import Account, Catalog, EndUser
from recommender.runs.errors import CannotRunError
from recommender.setting import Setting, SettingError, settings_of
from recommender.thinkrec.experts.config import GroupingConfig, require_order
from recommender.thinkrec.opinions import require_both
from reviews.pages.filters import offer_catalogs
from reviews.pages.setting_forms import SettingsForm

SETTINGS = ("groups", "encoder", "method")
BASIC = ("catalog", "groups")


class FindForm(forms.Form):
    catalog = forms.ModelChoiceField(Catalog.objects.none(), to_field_name="name", empty_label=None)
    q = forms.CharField(
        label="User's id",
        required=False,
        max_length=EndUser._meta.get_field("external_id").max_length,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *arguments: Any, account: Account, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        offer_catalogs(self, account)


class GroupingForm(SettingsForm):
    """What is left empty is as by default. `config`: once it is valid. The command `group_end_users` has more."""

    def settings(self) -> dict[str, Setting]:
        told = settings_of(GroupingConfig)
        return {name: told[name] for name in SETTINGS}

    def build(self, chosen: dict[str, Any], data: dict[str, Any]) -> None:
        self.config = GroupingConfig(**chosen)
        if catalog := data.get("catalog"):
            try:
                require_order(catalog.clock)
                require_both(catalog, what="making groups")
            except CannotRunError as error:
                raise SettingError("", str(error)) from error

    @property
    def basic(self) -> list[BoundField]:
        return [self[name] for name in BASIC]

    @property
    def advanced(self) -> list[BoundField]:
        return [field for field in self if field.name not in BASIC]

    @property
    def is_wrong_inside(self) -> bool:
        """Whether the folded part has to be open: something in it is not right."""
        return any(field.errors for field in self.advanced)
