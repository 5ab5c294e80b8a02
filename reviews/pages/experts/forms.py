"""What people choose: how new groups are made."""

from typing import Any

from django.forms import BoundField

from recommender.runs.errors import CannotRunError
from recommender.setting import Setting, SettingError, settings_of
from recommender.thinkrec.experts.config import GroupingConfig, require_order
from recommender.thinkrec.opinions import require_both
from reviews.pages.setting_forms import SettingsForm

SETTINGS = ("groups", "encoder", "method")
BASIC = ("catalog", "groups")


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
