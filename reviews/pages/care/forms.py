"""What a served model is held to, and when it is trained anew: settings of a catalog, as forms."""

from typing import Any, ClassVar

from django import forms

from recommender.guards.settings import GuardSettings
from recommender.rebuilds.settings import RebuildSettings
from recommender.setting import Setting, SettingError, Settings, settings_of
from reviews.pages.setting_forms import field_of

LONGEST_ZONE = 60


class CareForm(forms.Form):
    """`made`: the settings, once it is valid. What is left empty is as by default; errors stand beside their field."""

    model: ClassVar[type[Settings]]
    made: Any

    def __init__(self, *arguments: Any, now: Settings, **keywords: Any) -> None:
        """`now`: the settings that hold."""
        super().__init__(*arguments, **keywords)
        for name, setting in settings_of(self.model).items():
            self.fields[name] = _field(setting)
            self.initial.setdefault(name, getattr(now, name))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        try:
            self.made = self.model(**{name: value for name, value in data.items() if value not in (None, "")})
        except SettingError as error:
            for one in error.all:
                field = one.field if one.field in self.fields else None
                self.add_error(field, f"{self[field].label} {one.wrong}" if field else str(one))
        return data


def _field(setting: Setting) -> forms.Field:
    if setting.kind == "text":
        told = {"label": setting.label, "help_text": setting.help, "required": False, "initial": setting.default}
        return forms.CharField(max_length=LONGEST_ZONE, **told)
    return field_of(setting)


class GuardForm(CareForm):
    model = GuardSettings


class RebuildForm(CareForm):
    model = RebuildSettings
