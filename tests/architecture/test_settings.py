"""Settings of runs are told once: what pages of docs/ and commands say of them is what their fields say."""

import re
from collections.abc import Iterable

import pytest
from django.core.management import load_command_class

from recommender.evaluation.arms import ARMS, BY_THE_STUDY, Study
from recommender.guards.settings import GuardSettings
from recommender.rebuilds.settings import RebuildSettings
from recommender.recipe import BACKBONES, SIGNALS, SWITCHES, TrainConfig
from recommender.rounds.config import OpenConfig
from recommender.setting import Settings, settings_of
from recommender.thinkrec.evaluation.config import EvaluationConfig
from recommender.thinkrec.experts.config import GroupingConfig
from recommender.thinkrec.scoring.config import ScoringConfig
from recommender.thinkrec.tuning.config import ThinkrecConfig
from recommender.tuning.config import TuneConfig
from tests.architecture.test_documents import page

TABLES: dict[str, tuple[str, type[Settings]]] = {
    "training.md": ("## Settings", TrainConfig),
    "evaluation.md": ("### Settings", Study),
    "training-sets.md": ("### Settings", TuneConfig),
    "thinkrec-tuning.md": ("## Settings", ThinkrecConfig),
    "rounds.md": ("### Settings", OpenConfig),
    "thinkrec-evaluation.md": ("## Settings", EvaluationConfig),
    "thinkrec.md": ("## Settings", ScoringConfig),
    "methods.md": ("### Settings of groups", GroupingConfig),
    "after-activation.md": ("## Settings", GuardSettings),
    "rebuilds.md": ("## Settings", RebuildSettings),
}
COMMANDS = [
    ("recommender", "train_backbone", set(TrainConfig.model_fields) - {"knowledge_source"}),  # --control
    ("recommender", "evaluate", set(TrainConfig.model_fields) - {*BY_THE_STUDY}),
    ("recommender", "open_rounds", set(OpenConfig.model_fields)),
    ("recommender", "group_end_users", set(GroupingConfig.model_fields) - {"settings"}),  # --set
    ("recommender", "guard_models", set(GuardSettings.model_fields)),
    ("recommender", "rebuild_models", set(RebuildSettings.model_fields)),
    ("worker", "tune", set(TuneConfig.model_fields)),
    ("worker", "score_lists", set(ScoringConfig.model_fields)),
    ("worker", "evaluate_thinkrec", set(EvaluationConfig.model_fields)),
    ("worker", "tune_thinkrec", set(ThinkrecConfig.model_fields)),
]


def table(model: type[Settings]) -> list[str]:
    """The lines of a page's table of settings."""
    lines = ["| setting | default | range | meaning |", "| --- | --- | --- | --- |"]
    for name, told in settings_of(model).items():
        field = model.model_fields[name]
        default = "" if told.default in (None, "", {}) or field.default_factory else f"`{told.shown}`"
        named = [*(told.choices or ()), *([told.spelled.form] if told.spelled else [])]
        names = ", ".join(f"`{choice}`" for choice in named)
        lines.append(f"| `{name}` | {default} | {names or told.range} | {told} |")
    return lines


@pytest.mark.parametrize("name", TABLES)
def test_the_table_of_settings_says_what_the_fields_say(name: str) -> None:
    heading, model = TABLES[name]
    section = page(name).partition(f"\n{heading}\n")[2]
    found = re.findall(r"^\|.*", section, re.MULTILINE)

    assert found[: len(table(model))] == table(model)


@pytest.mark.parametrize(("app", "name", "settings"), COMMANDS)
def test_help_names_every_setting_of_a_run(app: str, name: str, settings: Iterable[str]) -> None:
    said = load_command_class(app, name).create_parser("", name).format_help()
    said = re.sub(r"\s+", " ", said.replace("-", "_"))

    assert [setting for setting in settings if not re.search(rf"(?<![a-z]){setting}\b", said)] == []


def test_every_setting_and_every_choice_has_words() -> None:
    for model in (
        TrainConfig,
        Study,
        TuneConfig,
        ThinkrecConfig,
        OpenConfig,
        ScoringConfig,
        EvaluationConfig,
        GroupingConfig,
        GuardSettings,
        RebuildSettings,
    ):
        for name, told in settings_of(model).items():
            assert told.label != name
            assert all(str(choice) for choice in (told.choices or {}).values())
    assert all(choice.label and choice.help for choice in BACKBONES.values())
    assert all(arm.label for arm in ARMS.values())


def test_every_signal_can_be_left_out() -> None:
    assert set(SIGNALS) < set(SWITCHES)
