"""Settings of a run, each told once: a pydantic field with its label, help, range, choices and default.

Forms, command options, pages and the tables in docs/ read all of that through `settings_of`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

Kind = Literal["choice", "choices", "switch", "whole number", "number", "whole numbers", "text", "other"]
NOUNS: Mapping[Kind, str] = {
    "whole number": "a whole number",
    "number": "a number",
    "whole numbers": "a list of whole numbers",
    "switch": "true or false",
    "text": "a text",
    "other": "a mapping",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a setting in words."""

    label: str
    help: str = ""

    def __str__(self) -> str:
        return f"{self.label}: {self.help}" if self.help else self.label


def label_of(choices: Mapping[Any, Choice], name: str) -> str:
    """How pages call a value; the value itself where there is no such choice (any more)."""
    return choices[name].label if name in choices else name


@dataclass(frozen=True, slots=True)
class Spelled:
    """Texts of one form that a choice may be besides its names. `form`: as it is typed; `words`: what stands in it."""

    form: str
    words: str
    fits: Callable[[str], bool]

    def __str__(self) -> str:
        return f"{self.form} ({self.words})"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Marks a text that must be one of these names, or is `spelled` so.

    The names are read whenever a value is checked, shown or listed.
    """

    choices: Mapping[str, object]
    spelled: Spelled | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, name: str) -> str:
        if name not in self.choices and not (self.spelled and self.spelled.fits(name)):
            raise ValueError(name)
        return name


@dataclass(frozen=True, slots=True)
class OnlyWith:
    """Marks a setting that counts only while another one has this value."""

    setting: str
    value: str


class SettingError(ValueError):
    """`wrong`: what is the matter with `field`, as the rest of a sentence, or a whole one where no field is named.

    `all`: this error and those beside it.
    """

    def __init__(self, field: str, wrong: str, *, more: tuple["SettingError", ...] = ()) -> None:
        super().__init__(f"{field} {wrong}".strip())
        self.field, self.wrong = field, wrong
        self.all: tuple[SettingError, ...] = (self, *more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is told of one field. `low`, `high`: bounds with the words for them, None where there is none."""

    name: str
    label: str
    help: str
    kind: Kind
    default: Any
    low: tuple[Literal["above", "at least"], float] | None = None
    high: tuple[Literal["below", "at most"], float] | None = None
    choices: Mapping[str, object] | None = None
    spelled: Spelled | None = None
    only_with: OnlyWith | None = None

    def __str__(self) -> str:
        return f"{self.label}: {self.help}" if self.help else self.label

    @property
    def expected(self) -> str:
        """Completes "must be": "a whole number from 1 to 1000", "one of none, platt"."""
        if self.choices is not None:
            names = ", ".join([*self.choices, *([str(self.spelled)] if self.spelled else [])])
            return f"{'one' if self.kind == 'choice' else 'different ones'} of {names}"
        return f"{NOUNS[self.kind]} {'of ' if self.range.startswith('at') else ''}{self.range}".strip()

    @property
    def range(self) -> str:
        """The bounds in words; empty where there are none."""
        low, high = (bound and (bound[0], f"{bound[1]:.15g}") for bound in (self.low, self.high))
        if low and high and (low[0], high[0]) == ("at least", "at most"):
            return f"from {low[1]} to {high[1]}"
        return " and ".join(" ".join(bound) for bound in (low, high) if bound)

    @property
    def shown(self) -> str:
        """The default as it is typed."""
        value = self.default
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, tuple):
            names = ",".join(map(str, value))
            return names if self.kind == "choices" else f"[{names}]"
        return str(value)

    @property
    def words(self) -> list[tuple[str, str]]:
        """The choices as forms list them: name and words."""
        return [(name, str(choice)) for name, choice in (self.choices or {}).items()]


class Settings(BaseModel):
    """Base of the settings of one kind of run. Raises SettingError for what is out of range or unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    of: ClassVar[str]  # the kind of run, in messages
    stored_as: ClassVar[Mapping[str, str]] = {}  # fields that rows and artifacts know by an earlier name

    if not TYPE_CHECKING:  # type checkers read the fields instead

        def __init__(self, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise _in_words(type(self), values, error) from None

    def but(self, **changes: Any) -> Self:
        """A copy with these changes, checked as a whole."""
        return type(self)(**(dict(self) | changes))

    def to_json(self) -> dict[str, Any]:
        """What rows and artifacts store."""
        return {self.stored_as.get(name, name): value for name, value in self.model_dump(mode="json").items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Missing keys take their defaults. Raises SettingError for an unknown key and for a bad value."""
        named = {stored: name for name, stored in cls.stored_as.items()}
        data = {named.get(name, name): value for name, value in data.items()}
        if unknown := sorted(set(data) - set(cls.model_fields)):
            raise SettingError("", f"Unknown {cls.of} settings: {', '.join(unknown)}. {_hint(unknown[0], cls)}")
        return cls(**data)


def _hint(name: str, model: type[Settings]) -> str:
    close = get_close_matches(name, model.model_fields, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known: {', '.join(model.model_fields)}."


def settings_of(model: type[Settings]) -> dict[str, Setting]:
    """The settings of a kind of run by name, in their order."""
    return {name: _setting(name, field) for name, field in model.model_fields.items()}


def _setting(name: str, field: FieldInfo) -> Setting:
    kind, metadata = _kind(field)
    found: dict[str, Any] = {}
    for mark in metadata:
        if isinstance(mark, OneOf):
            found |= {"choices": mark.choices, "spelled": mark.spelled}
        elif isinstance(mark, OnlyWith):
            found["only_with"] = mark
        for bound, side, words in (
            ("gt", "low", "above"),
            ("ge", "low", "at least"),
            ("lt", "high", "below"),
            ("le", "high", "at most"),
        ):
            if (limit := getattr(mark, bound, None)) is not None:
                found[side] = (words, limit)
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return Setting(
        name=name, label=field.title or name, help=field.description or "", kind=kind, default=default, **found
    )


def _kind(field: FieldInfo) -> tuple[Kind, list[Any]]:
    """The kind of a field, and its marks, with those of the members where it is a list."""
    metadata, annotation = list(field.metadata), field.annotation
    if type(None) in get_args(annotation):  # X | None
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is tuple:
        member = get_args(annotation)[0]
        for mark in member.__metadata__:
            metadata += mark.metadata if isinstance(mark, FieldInfo) else [mark]
        return ("choices" if member.__origin__ is str else "whole numbers"), metadata
    if any(isinstance(mark, OneOf) for mark in metadata):
        return "choice", metadata
    kinds: dict[Any, Kind] = {bool: "switch", int: "whole number", float: "number", str: "text"}
    return kinds.get(annotation, "other"), metadata


def _in_words(model: type[Settings], values: Mapping[str, Any], error: ValidationError) -> SettingError:
    """What pydantic refused, one error a field."""
    settings, found = settings_of(model), dict[str, SettingError]()
    for about in error.errors(include_url=False):
        name = str(about["loc"][0]) if about["loc"] else ""
        cause = about.get("ctx", {}).get("error")
        if isinstance(cause, SettingError):
            said = cause
        elif name not in settings:
            said = SettingError(name, f"is no setting of {model.of}.")
        elif about["type"] == "missing":
            said = SettingError(name, "must be given.")
        else:
            said = SettingError(name, f"must be {settings[name].expected}; it is {values[name]!r}.")
        found.setdefault(said.field, said)
    first, *more = found.values()
    return SettingError(first.field, first.wrong, more=tuple(more))
