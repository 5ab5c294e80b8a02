"""Asking for rounds: what people choose, in words."""

from typing import Any

from django import forms

from recommender.rounds.config import OpenConfig
from recommender.setting import Setting, settings_of
from reviews.pages.setting_forms import SettingsForm

MOST_TOKENS = 10**15
MOST_AT_ONCE = 2_000  # of each kind; the command opens more


class LimitForm(forms.Form):
    """What a batch may cost when it goes on; empty: no limit."""

    most_tokens = forms.IntegerField(required=False, min_value=1, max_value=MOST_TOKENS)


class OpenForm(SettingsForm):
    """`config`: once it is valid."""

    special = {"limit": {"required": True, "initial": 200, "max_value": MOST_AT_ONCE}}

    def settings(self) -> dict[str, Setting]:
        return settings_of(OpenConfig)

    def build(self, chosen: dict[str, Any], data: dict[str, Any]) -> None:
        self.config = OpenConfig(**chosen)
        if catalog := data.get("catalog"):
            self.config.require_order(catalog)
