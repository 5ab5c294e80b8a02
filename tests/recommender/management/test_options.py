from recommender.management.options import help_of
from recommender.setting import settings_of
from recommender.thinkrec.scoring.config import ScoringConfig


def test_a_setting_that_is_empty_by_default_tells_no_default() -> None:
    told = {name: help_of(setting) for name, setting in settings_of(ScoringConfig).items()}
    assert "default" not in told["without"]
    assert told["top"].endswith("(from 0 to 100, default 20)")
