"""LoRA for real: a tiny Qwen2 of random weights, on rows in the form that exports have."""

from pathlib import Path
from typing import Any

import pytest

from recommender.tuning import rows
from recommender.tuning.config import CannotTuneError, TuneConfig, TunedRole
from recommender.tuning.rows import Provenance, Row
from recommender.tuning.writing import write
from tests.builders import make_subject
from tests.transformers_server import make_model

TEXT = "They enjoy patient dramas and turn away from loud action."


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("qwen"), architecture="qwen2"))


def provenance(subject: int, kind: str = "end_user") -> Provenance:
    return Provenance("teacher", catalog="films", subject_kind=kind, subject=subject, as_of=1, created="2026-01-01")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve end users with a rationale, its judgement, and a refinement each."""
    subject = make_subject(5, 2)
    found: list[Row] = []
    for number in range(12):
        where = provenance(number)
        found.append(rows.reason(subject, f"{TEXT} Person {number}.", where))
        found.append(rows.reflect(subject, f"{TEXT} Person {number}.", "reasonable", "", where))
        found.append(rows.refine(subject, TEXT, "It says too little.", f"{TEXT} Person {number}.", where))
    write(found, tmp_path / "data", formats=["jsonl"])
    return tmp_path / "data"


def config(base_: str, **changes: Any) -> TuneConfig:
    usual = TuneConfig(base=base_, learning_rate=0.01, batch_size=8, epochs=3, validation=0.2)
    return usual.but(**changes)


def tune(data: Path, folder: Path, settings: TuneConfig, role: TunedRole = "actor", **options: Any) -> dict[str, Any]:
    from recommender.tuning.lora import tune as really_tune

    return really_tune(data, folder, config=settings, role=role, **options)


def test_the_loss_falls_on_rows_that_were_held_out_and_the_adapter_loads_again(
    base: str, data: Path, tmp_path: Path
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from recommender.tuning.examples import load
    from recommender.tuning.lora import _Learner

    seen: list[dict[str, Any]] = []
    metrics = tune(data, tmp_path / "adapter", config(base), observer=seen.append)
    assert metrics["rows"] == {"train": 18, "valid": 6, "too_long": 0}
    assert metrics["after"]["loss"] < 0.95 * metrics["before"]["loss"]
    assert [epoch["train_loss"] for epoch in metrics["epochs"]] == sorted(
        (epoch["train_loss"] for epoch in metrics["epochs"]), reverse=True
    )
    assert [progress["step"] for progress in seen if progress["stage"] == "tuning"] == list(range(1, 10))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "adapter")
    examples = load(data, tokenizer, config=config(base), role="actor")
    again = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), tmp_path / "adapter")
    learner = _Learner(again, config(base), torch.device("cpu"), lambda _: None, pad=1)
    assert learner.evaluate(examples.valid)["loss"] == pytest.approx(metrics["after"]["loss"], abs=1e-4)


def test_a_reflector_is_also_measured_by_the_verdicts_it_finds_likelier(base: str, data: Path, tmp_path: Path) -> None:
    metrics = tune(data, tmp_path / "adapter", config(base), role="reflector")
    assert metrics["rows"] == {"train": 9, "valid": 3, "too_long": 0}
    assert metrics["after"]["verdict_accuracy"] == 1.0  # every row it saw says reasonable
    assert metrics["after"]["loss"] < metrics["before"]["loss"]


def test_the_micro_batch_and_a_second_run_change_nothing(base: str, data: Path, tmp_path: Path) -> None:
    found = [
        tune(data, tmp_path / str(size), config(base, epochs=1, micro_batch=size))["after"]["loss"]
        for size in (2, 8, 2)
    ]
    assert found[0] == found[2]
    assert found[0] == pytest.approx(found[1], rel=1e-3)


def test_in_bfloat16_it_learns_the_same_within_its_precision(base: str, data: Path, tmp_path: Path) -> None:
    exact, half = (
        tune(data, tmp_path / str(one), config(base, epochs=1, half_precision=one))["after"]["loss"]
        for one in (False, True)
    )
    assert half != exact
    assert half == pytest.approx(exact, rel=0.02)


def test_the_defaults_are_r4ecs() -> None:
    usual = TuneConfig(base="x")
    assert (usual.rank, usual.alpha, usual.dropout, usual.learning_rate) == (8, 16, 0.0, 1e-4)
    assert (usual.epochs, usual.batch_size, usual.warm_up, usual.cutoff, usual.validation) == (3, 16, 0.1, 2048, 0.05)


def test_every_linear_layer_but_the_output_gets_an_adapter(base: str, data: Path, tmp_path: Path) -> None:
    from safetensors import safe_open

    tune(data, tmp_path / "adapter", config(base, epochs=1))
    with safe_open(tmp_path / "adapter" / "adapter_model.safetensors", "pt") as file:
        names = {name.split(".")[-3] for name in file.keys()}  # noqa: SIM118 - not a dict
    assert names == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_no_subject_is_both_learnt_and_held_out_and_too_long_rows_are_counted(base: str, data: Path) -> None:
    from transformers import AutoTokenizer

    from recommender.tuning.examples import load

    tokenizer = AutoTokenizer.from_pretrained(base)
    examples = load(data, tokenizer, config=config(base), role="actor")
    assert not {one.subject for one in examples.train} & {one.subject for one in examples.valid}
    longest = max(map(len, [*examples.train, *examples.valid]))
    assert load(data, tokenizer, config=config(base, cutoff=longest - 1), role="actor").too_long > 0
    answer = tokenizer.decode(examples.train[0].answer)
    assert answer.startswith(TEXT)
    assert answer.endswith(tokenizer.eos_token)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cutoff": 16}, "above the cutoff of 16"),
        ({"subjects": "items"}, "0 rows"),
        ({"base": "/no/model"}, "'/no/model' cannot be loaded. There is no such folder"),
        ({"base": "../model"}, "'../model' cannot be loaded. There is no such folder"),
        ({"base": __file__}, "cannot be loaded. It is a file, and no model: name a .gguf file, or the folder"),
    ],
)
def test_what_cannot_be_tuned_says_why(
    base: str, data: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(CannotTuneError, match=words):
        tune(data, tmp_path / "adapter", config(base, **changes))


@pytest.mark.parametrize("changes", [{"rank": 0}, {"validation": 0.0}, {"learning_rate": 2.0}, {"warm_up": 1.0}])
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        TuneConfig(base="x").but(**changes)


WITHOUT_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "<{{ m.role }}>{{ m.content }}{% endfor %}"
)
DROPS_SYSTEM = "{% for m in messages %}{% if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endif %}{% endfor %}"


@pytest.mark.parametrize("template", [WITHOUT_SYSTEM, DROPS_SYSTEM])
def test_a_template_without_a_system_role_is_told_the_instructions_all_the_same(
    base: str, data: Path, template: str
) -> None:
    from transformers import AutoTokenizer

    from recommender.tuning.examples import load

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = template
    examples = load(data, tokenizer, config=TuneConfig(base=base), role="actor")
    assert "You work out what one person likes" in tokenizer.decode(examples.train[0].prompt)


def test_a_template_that_takes_nothing_is_refused_before_the_weights_are_loaded(
    base: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    from recommender.tuning.lora import tune

    AutoConfig.from_pretrained(base).save_pretrained(tmp_path / "pictures")
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = "{{ raise_exception('Only pictures are taken') }}"
    tokenizer.save_pretrained(tmp_path / "pictures")
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", lambda *_, **__: pytest.fail("weights were loaded"))
    with pytest.raises(CannotTuneError, match="Only pictures are taken"):
        tune(data, tmp_path / "out", config=TuneConfig(base=str(tmp_path / "pictures")), role="actor")
