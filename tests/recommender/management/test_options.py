import pytest
from django.core.management.base import CommandError

from recommender.management.options import help_of, require_heard
from recommender.management.runs import why_not_done
from recommender.models import RunState, ScoringRun
from recommender.setting import SettingError, settings_of
from recommender.thinkrec.scoring.config import ScoringConfig


@pytest.mark.parametrize(("typed", "hint"), [("to", "Did you mean top?"), ("zzz", "Known: where, tuned, ")])
def test_an_unknown_setting_is_told_what_is_known(typed: str, hint: str) -> None:
    with pytest.raises(SettingError, match=f"Unknown scoring settings: {typed}. ") as refused:
        ScoringConfig.from_json({typed: 1})
    assert hint in str(refused.value)


def test_an_option_that_counts_for_nothing_is_refused() -> None:
    with pytest.raises(CommandError, match="--threads counts with --where here alone: leave it out"):
        require_heard(ScoringConfig(where="endpoint", threads=2), ["where", "threads"])
    require_heard(ScoringConfig(where="here", threads=2), ["where", "threads"])
    require_heard(ScoringConfig(where="endpoint"), ["where"])


def test_a_run_that_was_taken_back_is_said_to_wait() -> None:
    """An erasure lets what is under way begin again: nobody is at it then."""
    assert "waits for a worker" in why_not_done(ScoringRun(state=RunState.WAITING))
    assert "A worker is at" in why_not_done(ScoringRun(state=RunState.RUNNING))


def test_a_setting_that_is_empty_by_default_tells_no_default() -> None:
    told = {name: help_of(setting) for name, setting in settings_of(ScoringConfig).items()}
    assert "default" not in told["without"]
    assert told["top"].endswith("(from 0 to 100, default 20)")
