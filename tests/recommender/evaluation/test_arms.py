import pytest

from recommender.evaluation.arms import ARMS, DEFAULT_ARMS, Study
from recommender.recipe import CONTROLS


def test_a_study_survives_json():
    study = Study(backbones=("din",), arms=("base", "knowledge"), seeds=2, users=0.5, settings={"epochs": 3})

    assert Study.from_json(study.to_json()) == study
    assert Study.from_json({}) == Study()


def test_by_default_every_control_stands_beside_base_and_knowledge():
    assert ("base", "knowledge", *CONTROLS) == DEFAULT_ARMS


def test_the_settings_of_a_fit_are_the_studys_then_the_arms():
    study = Study(arms=("plain", "base", "shuffled", "signal"), settings={"history": 20, "epochs": 3})

    assert study.config("din", "base", 7).seed == 7
    assert study.config("din", "base", 7).history == 20
    assert study.config("din", "shuffled", 1).knowledge_source == "shuffled"
    assert study.config("din", "plain", 1).history == 5
    assert not study.config("din", "plain", 1).collaborative
    assert not study.config("din", "signal", 1).knowledge_field


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"arms": ()}, "^arms must be"),
        ({"arms": ("base", "base")}, "^arms must be"),
        ({"arms": ("base", "magic")}, "^arms must be"),
        ({"backbones": ("nobody",)}, "^backbones must be"),
        ({"seeds": 0}, "^seeds must be"),
        ({"users": 0.0}, "^users must be"),
        ({"users": 1.5}, "^users must be"),
        ({"settings": {"seed": 3}}, "^seed is set by the evaluation"),
        ({"settings": {"epochs": 0}}, "^epochs must be"),
        ({"settings": {"nonsense": 0}}, "nonsense"),
    ],
)
def test_a_choice_out_of_range_is_named(choices, message):
    with pytest.raises(ValueError, match=message):
        Study(**choices)


def test_an_unknown_setting_of_a_study_is_refused():
    with pytest.raises(ValueError, match="Unknown evaluation settings: magic"):
        Study.from_json({"magic": 1})


def test_every_arm_has_words_and_settings_that_exist():
    for name, arm in ARMS.items():
        assert arm.label
        Study(arms=(name,))


def test_only_the_arm_that_says_so_has_what_an_llm_answered():
    study = Study(arms=tuple(ARMS))
    assert [arm for arm in ARMS if study.config("din", arm, 1).llm_scores] == ["scored"]
    with pytest.raises(ValueError, match=r"^llm_scores is set by the evaluation itself"):
        Study(settings={"llm_scores": True})
