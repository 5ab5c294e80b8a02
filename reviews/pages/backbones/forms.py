"""Asking for a training run: what people choose, and as the TrainConfig it makes."""

from typing import Any

from django import forms
from django.forms import BoundField

from recommender.recipe import SWITCHES, TrainConfig
from recommender.setting import Setting, settings_of
from reviews.pages.setting_forms import SettingsForm, require_fitting

SETTINGS = (
    "backbone",
    "history",
    "epochs",
    "learning_rate",
    "seed",
    "split",
    "fold",
    "valid_from",
    "test_from",
    "adapter",
    "whiten",
    "calibration",
    "low_activity",
    "low_activity_below",
    "metadata_text",
)
BASIC = ("catalog", "backbone", "activate")


class TrainForm(SettingsForm):
    """What is left empty is as by default. `config`: once it is valid. The command `train_backbone` has more."""

    activate = forms.BooleanField(
        label="Activate it if it passes all checks", required=False, help_text="Else it waits as a candidate."
    )

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        told = settings_of(TrainConfig)
        self.fields["left_out"] = forms.MultipleChoiceField(
            label="Leave out",
            required=False,
            choices=[(name, str(told[name])) for name in SWITCHES],
            widget=forms.CheckboxSelectMultiple,
            help_text="To see what each is good for.",
        )

    def settings(self) -> dict[str, Setting]:
        told = settings_of(TrainConfig)
        return {name: told[name] for name in SETTINGS}

    def build(self, chosen: dict[str, Any], data: dict[str, Any]) -> None:
        self.config = TrainConfig(**chosen | dict.fromkeys(data.get("left_out", []), False))
        split, backbone = self.config.split, self.config.backbone
        require_fitting(data.get("catalog"), split=split, field="backbone", backbones=[backbone])

    @property
    def basic(self) -> list[BoundField]:
        return [self[name] for name in BASIC]

    @property
    def advanced(self) -> list[tuple[BoundField, str]]:
        return [(field, only_with) for field, only_with in self.shown if field.name not in BASIC]

    @property
    def is_wrong_inside(self) -> bool:
        """Whether the folded part has to be open: something in it is not right."""
        return any(field.errors for field, _ in self.advanced)
