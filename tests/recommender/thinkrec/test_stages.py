"""The three stages for real, on a tiny Llama of random weights: what learns, what stays, and how a lost run goes on."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from recommender.thinkrec.tuning.config import CannotTuneThinkrecError, ThinkrecConfig
from recommender.thinkrec.tuning.encoding import Encoder
from recommender.thinkrec.tuning.learner import Learner, with_adapter
from recommender.thinkrec.tuning.loop import valid_score
from recommender.thinkrec.tuning.projector import Vectors
from recommender.thinkrec.tuning.rows import Rows
from recommender.thinkrec.tuning.stages import Data, last_layers, tune
from recommender.tuning.base import load_tokenizer, load_weights, with_exact_head
from tests.recommender.thinkrec.rows_of_films import GROUPS, PROMPTS, config, row, rows

pytestmark = pytest.mark.once
CPU = torch.device("cpu")
ADAPTER, PROJECTOR = "adapter/adapter_model.safetensors", "projector/projector.safetensors"
OF_GROUPS = [f"groups/{name}/adapter_model.safetensors" for name in ("action", "drama")]


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def data(vectors: Vectors) -> Data:
    return Data(rows(), PROMPTS, vectors, GROUPS)


@pytest.fixture(scope="module")
def unbroken(base: str, data: Data, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[Any]]:
    """All three stages: the folder, the metrics and what the observer heard."""
    folder, told = tmp_path_factory.mktemp("unbroken"), list[Any]()
    return folder, tune(data, folder, config=config(base, stage="all"), observer=told.append), told


def test_the_losses_fall_and_the_best_epoch_by_the_valid_score_is_kept(base: str, data: Data, tmp_path: Path) -> None:
    settings = config(base, steps=6, epochs=3, dropout=0.0, reason_share=0.0, valid_rows=32)
    metrics = tune(data, tmp_path, config=settings)["global"]
    epochs = metrics["epochs"]
    assert epochs[-1]["loss"] < epochs[0]["loss"]
    assert epochs[-1]["think"] < epochs[0]["think"]
    assert metrics["rows"] == {"labels": 32, "traces": 8, "valid": 32}
    best = max(epochs, key=lambda epoch: epoch["score"])  # the first of equals
    assert metrics["best_epoch"] == best["epoch"]
    assert best["score"] == pytest.approx(best["auc"] / 4 + best["uauc"] / 3)
    again = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(tmp_path / "adapter"))
    encoder = Encoder(load_tokenizer(base), PROMPTS, settings)
    encoded = [encoder.encoded(one) for one in rows().valid]
    scores = Learner(again, encoder, settings).scores(encoded)
    from recommender.measures.scores import auc

    labels = torch.tensor([one.label for one in rows().valid]).numpy()
    assert auc(labels, torch.tensor(scores).numpy()) == pytest.approx(best["auc"], abs=1e-3)


def test_each_stage_leaves_the_others_weights_as_they_are(unbroken: tuple[Path, Any, Any]) -> None:
    folder, metrics, _ = unbroken
    shared = load_file(folder / ADAPTER)
    assert {name.split(".")[-3] for name in shared} == {"q_proj", "v_proj"}
    assert metrics["projector"]["trained_parameters"] == 4 * 40 + 40 + 40 * 64 + 64
    for path in OF_GROUPS:
        mine = load_file(folder / path)
        assert mine.keys() == shared.keys()
        differ = {name for name in shared if not torch.equal(mine[name], shared[name])}
        assert {name.partition("layers.")[2][0] for name in differ} == {"1"}  # the last quarter of two is the last one
    assert not torch.equal(*(next(reversed(load_file(folder / path).values())) for path in OF_GROUPS))
    assert metrics["groups"]["drama"]["rows"] == {"labels": 16, "traces": 4, "valid": 4}


def test_every_adapter_is_read_by_peft(base: str, unbroken: tuple[Path, Any, Any]) -> None:
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(unbroken[0] / "adapter"), "all")
    for name in ("action", "drama"):
        model.load_adapter(str(unbroken[0] / "groups" / name), name)
    described = json.loads((unbroken[0] / "groups" / "drama" / "adapter_config.json").read_text())
    assert (described["r"], described["lora_alpha"], sorted(described["target_modules"])) == (
        8,
        16,
        ["q_proj", "v_proj"],
    )
    assert set(model.peft_config) == {"all", "action", "drama"}


def test_an_observer_hears_of_every_step_of_the_cost_and_of_what_is_left(unbroken: tuple[Path, Any, Any]) -> None:
    _, metrics, told = unbroken
    steps = [one for one in told if "step" in one]
    assert [one["step"] for one in steps] == [*range(1, 9)] * 4
    assert list(dict.fromkeys(one["stage"] for one in steps)) == ["global", "projector", "group action", "group drama"]
    assert steps[-1]["seconds_left"] == 0
    assert 0 < steps[-2]["seconds_left"] < steps[0]["seconds_left"]
    stages = [metrics["global"], metrics["projector"], *metrics["groups"].values()]
    # The last epoch's valid rows are read after the last step.
    assert steps[-1]["tokens"] <= sum(stage["tokens"] for stage in stages)
    assert [one["tokens"] for one in steps] == sorted(one["tokens"] for one in steps)


def test_a_run_that_is_killed_again_and_again_ends_with_the_weights_of_an_unbroken_one(
    base: str, data: Data, unbroken: tuple[Path, Any, Any], tmp_path: Path
) -> None:
    folder, metrics, _ = unbroken
    deadly, heard = {5, 13, 21, 28}, 0  # steps as they are told: within each stage, none at a checkpoint

    def observer(told: dict[str, Any]) -> None:
        nonlocal heard
        heard += "step" in told
        if heard in deadly:
            deadly.discard(heard)
            raise KilledError

    found = None
    for _ in range(5):
        try:
            found = tune(data, tmp_path, config=config(base, stage="all"), observer=observer)
        except KilledError:
            assert (tmp_path / "checkpoint.pt").is_file()
    assert found is not None
    assert heard < 32 + 4 * 4  # what was done before a checkpoint was not done again
    for path in (ADAPTER, PROJECTOR, *OF_GROUPS):
        mine, wanted = load_file(tmp_path / path), load_file(folder / path)
        assert all(torch.equal(mine[name], wanted[name]) for name in wanted)
    timeless = [json.loads(json.dumps(one), object_hook=_without_seconds) for one in (found, metrics)]
    assert timeless[0] == timeless[1]


def _without_seconds(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "seconds"}


def test_a_seed_reproduces_and_another_one_does_not(base: str, data: Data, tmp_path: Path) -> None:
    def weights(name: str, seed: int) -> list[torch.Tensor]:
        tune(data, tmp_path / name, config=config(base, epochs=1, seed=seed, valid_rows=1))
        return list(load_file(tmp_path / name / ADAPTER).values())

    first, second, other = weights("a", 1), weights("b", 1), weights("c", 2)
    assert all(map(torch.equal, first, second))
    assert not all(map(torch.equal, first, other))


def test_rows_of_an_end_user_are_learnt_at_once_and_read_once(base: str, data: Data, tmp_path: Path) -> None:
    def tuned(name: str, grows: int) -> dict[str, Any]:
        settings = config(base, epochs=1, steps=8, batch_size=1, grows=grows, reason_share=0.0, valid_rows=1)
        return dict(tune(data, tmp_path / name, config=settings)["global"])

    alone, grown = tuned("alone", 0), tuned("grown", 5)
    assert grown["rows"] == alone["rows"]
    assert alone["tokens"] < grown["tokens"] < 2 * alone["tokens"]  # 8 end users with 4 rows each, in place of 8 rows
    assert load_file(tmp_path / "grown" / ADAPTER).keys() == load_file(tmp_path / "alone" / ADAPTER).keys()


def test_in_bfloat16_the_base_is_half_as_large_and_the_adapter_learns_all_the_same(
    base: str, data: Data, tmp_path: Path
) -> None:
    settings = config(base, steps=6, epochs=3, dropout=0.0, reason_share=0.0, valid_rows=32, half_precision=True)
    epochs = tune(data, tmp_path, config=settings)["global"]["epochs"]
    assert epochs[-1]["loss"] < epochs[0]["loss"]
    assert {value.dtype for value in load_file(tmp_path / ADAPTER).values()} == {torch.float32}
    model = load_weights(base, torch.device("cpu"), bfloat16=True)
    assert {one.dtype for one in model.parameters()} == {torch.bfloat16}
    with_exact_head(model)
    assert model.lm_head.weight.dtype == torch.float32
    assert sum(map(torch.numel, model.parameters())) == sum(map(torch.numel, load_weights(base, CPU).parameters()))
    encoder = Encoder(load_tokenizer(base), PROMPTS, settings)
    rows_of_one = [encoder.encoded(one) for one in rows().valid[:4]]
    exact = Learner(load_weights(base, torch.device("cpu")), encoder, settings).scores(rows_of_one)
    scores = Learner(model, encoder, settings).scores(rows_of_one)
    assert scores == pytest.approx(exact, abs=0.05)
    assert scores != [float(torch.tensor(score).bfloat16()) for score in scores]  # finer than bfloat16


def test_what_was_left_of_other_data_is_begun_again(base: str, data: Data, tmp_path: Path) -> None:
    settings = config(base, epochs=1, valid_rows=1)
    tune(data, tmp_path, config=settings)
    made, steps = (tmp_path / ADAPTER).stat().st_mtime_ns, list[Any]()
    tune(data, tmp_path, config=settings, observer=steps.append)
    assert (tmp_path / ADAPTER).stat().st_mtime_ns == made
    assert not any("step" in one for one in steps)
    without = Rows([one for one in data.rows.train if one.end_user != "u0"], data.rows.valid, {})
    tune(Data(without, PROMPTS), tmp_path, config=settings)
    assert (tmp_path / ADAPTER).stat().st_mtime_ns > made


def test_patience_ends_a_stage_and_nothing_is_left_then(base: str, data: Data, tmp_path: Path) -> None:
    told: list[Any] = []
    still = config(base, steps=1, epochs=30, patience=2, learning_rate=1e-12, valid_rows=8)
    metrics = tune(data, tmp_path, config=still, observer=told.append)["global"]
    assert metrics["steps"] < 30
    assert metrics["steps"] == metrics["best_epoch"] + 2


def test_stages_begin_from_an_earlier_runs_adapter(
    base: str, data: Data, unbroken: tuple[Path, Any, Any], tmp_path: Path
) -> None:
    folder, metrics, _ = unbroken
    later = Data(data.rows, PROMPTS, groups={"u0": "one", "nobody": "none"}, adapter=folder / "adapter")
    found = tune(later, tmp_path, config=config(base, stage="groups", group_epochs=1))
    assert found["global"] == metrics["global"]
    assert torch.equal(*(next(iter(load_file(one / ADAPTER).values())) for one in (folder, tmp_path)))
    assert list(found["groups"]) == ["one"]  # a group without rows keeps the global adapter
    assert found["groups"]["one"]["rows"]["labels"] == 4


def test_without_valid_rows_the_last_weights_are_kept(base: str, data: Data, tmp_path: Path) -> None:
    found = tune(Data(Rows(data.rows.train, [], {}), PROMPTS), tmp_path, config=config(base, steps=1, patience=1))
    assert (found["global"]["steps"], found["global"]["best_epoch"]) == (2, 2)
    assert found["global"]["epochs"][0]["auc"] is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rows": Rows([], [], {})}, "no row to learn from"),
        ({"vectors": None}, "needs collaborative vectors"),
        ({"groups": {}}, "who is in which"),
        ({"groups": {"u0": "../up"}}, "not '../up'"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_loaded(
    data: Data, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    given = Data(**{"rows": data.rows, "prompts": PROMPTS, "vectors": data.vectors, "groups": GROUPS} | changes)
    with pytest.raises(CannotTuneThinkrecError, match=words):
        tune(given, tmp_path / "out", config=ThinkrecConfig(base="/no/model", stage="all"))
    assert not (tmp_path / "out").exists()


def test_a_history_gives_way_to_the_cutoff_and_an_answer_is_cut(base: str) -> None:
    tokenizer = load_tokenizer(base)
    whole = Encoder(tokenizer, PROMPTS, config(base)).encoded(row(0, "Drama 2", trace="So " * 50))
    tight = config(base, cutoff=len(whole.prompt) - 1, answer_cutoff=9)
    cut = Encoder(tokenizer, PROMPTS, tight).encoded(whole.row)
    assert len(cut.prompt) < len(whole.prompt)
    assert "Drama 0" not in tokenizer.decode(cut.prompt)
    assert "Action 1" in tokenizer.decode(cut.prompt)
    assert cut.answer == whole.answer[:9]
    with pytest.raises(CannotTuneThinkrecError, match="the cutoff is 64: raise it"):
        Encoder(tokenizer, PROMPTS, config(base, cutoff=64)).encoded(whole.row)


def test_a_tokenizer_that_cannot_answer_is_refused(base: str) -> None:
    tokenizer = load_tokenizer(base)
    tokenizer.chat_template = None
    with pytest.raises(CannotTuneThinkrecError, match="cannot answer Yes or No"):
        Encoder(tokenizer, PROMPTS, config(base))


def test_the_last_quarter_of_32_layers_is_8_and_of_30_too(base: str) -> None:
    model = with_adapter(load_weights(base, torch.device("cpu")), config(base))
    parameters = {name: one for name, one in model.named_parameters() if ".lora_" in name}
    assert len(last_layers(parameters, 2, 0.5)) == len(parameters) / 2
    one = next(iter(parameters.values()))
    for layers, first in ((32, 24), (30, 22)):
        named = {f"base.model.layers.{n}.self_attn.q_proj.lora_A.weight": one for n in range(layers)}
        assert len(last_layers(named, layers, 0.25)) == layers - first


def test_a_figure_that_is_undefined_counts_as_chance() -> None:
    settings = ThinkrecConfig(base="x")
    assert valid_score(0.8, None, settings)["score"] == pytest.approx(0.8 / 4 + 0.5 / 3)
    assert valid_score(0.6, 0.9, settings)["score"] == pytest.approx(0.6 / 4 + 0.9 / 3)
