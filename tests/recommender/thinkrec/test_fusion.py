"""Exact fusion on a tiny Llama of random weights, against adapters merged by hand and against PEFT."""

import json
import math
import warnings
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from recommender.thinkrec.experts.fusion import AdapterError, Fusion, LowRank, read
from recommender.thinkrec.experts.gate import by_weights
from tests.transformers_server import make_model

pytestmark = pytest.mark.once
NAMES = ("global", "one", "two", "three")
TOKENS = torch.tensor([[5, 60, 7, 300, 41], [9, 8, 220, 3, 12], [77, 4, 4, 90, 601], [5, 60, 7, 300, 42]])
SCALES = [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0.7, 0.3, 0), (0, 0.5, 0.2, 0.3)]
LAST = "layers.1."  # of two: stage 3 tunes the last layers only


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def folders(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A global adapter as PEFT saves it, and experts that differ from it in the last layer, as stage 3 leaves them."""
    made = tmp_path_factory.mktemp("adapters")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        lora = LoraConfig(
            r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM"
        )
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), lora)
        for name in NAMES:
            model.save_pretrained(made / name, save_embedding_layers=False)
            for path, parameter in model.named_parameters():
                if "lora_" in path and LAST in path:
                    torch.nn.init.normal_(parameter, std=0.2)
    return {name: made / name for name in NAMES}


@pytest.fixture
def fusion(base: Path, folders: dict[str, Path]) -> Fusion:
    shared, *experts = (read(folders[name]) for name in NAMES)
    return Fusion(AutoModelForCausalLM.from_pretrained(base), shared, experts)


@torch.inference_mode()
def logits(model: torch.nn.Module, tokens: torch.Tensor = TOKENS) -> torch.Tensor:
    return model(input_ids=tokens).logits


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("row", range(len(SCALES)))
def test_a_row_is_what_its_weighted_deltas_give_when_they_are_merged_into_the_weights(
    base: Path, folders: dict[str, Path], fusion: Fusion, row: int
) -> None:
    merged = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        for scale, name in zip(SCALES[row], NAMES, strict=True):
            tensors = load_file(folders[name] / "adapter_model.safetensors")
            for path in (path for path in tensors if ".lora_A." in path):
                delta = tensors[path.replace("lora_A", "lora_B")] @ tensors[path]
                layer = merged.get_submodule(path.split("base_model.model.")[1].split(".lora_A")[0])
                layer.weight += scale * (8 / 4) * delta

    with fusion.rows([SCALES[row]]) as model:
        close(logits(model, TOKENS[row : row + 1]), logits(merged, TOKENS[row : row + 1]))


def test_a_batch_of_many_users_gives_each_what_it_gets_alone(fusion: Fusion) -> None:
    with fusion.rows(SCALES) as model:
        together = logits(model)
    for row, scales in enumerate(SCALES):
        with fusion.rows([scales]) as model:
            close(together[row : row + 1], logits(model, TOKENS[row : row + 1]))
    assert (together[0] - together[3]).abs().max() > 0.1  # the adapters do something


def test_texts_are_written_with_each_rows_own_experts(fusion: Fusion) -> None:
    def written(tokens: torch.Tensor, scales: list[tuple[float, ...]]) -> torch.Tensor:
        with fusion.rows(scales) as model:
            return model.generate(
                input_ids=tokens,
                attention_mask=torch.ones_like(tokens),
                max_new_tokens=4,
                do_sample=False,
                pad_token_id=1,
                eos_token_id=None,
            )

    same = TOKENS[:1].expand(4, -1)
    together = written(same, SCALES)
    assert torch.equal(together, torch.cat([written(same[:1], [scales]) for scales in SCALES]))
    assert len({tuple(row.tolist()) for row in together}) > 1


def test_one_expert_alone_and_the_global_adapter_are_pefts_own(
    base: Path, folders: dict[str, Path], fusion: Fusion
) -> None:
    peft = with_all(base, folders)
    for place, name in enumerate(NAMES):
        peft.set_adapter(name)
        with fusion.rows([tuple(float(place == one) for one in range(4))] * 4) as model:
            close(logits(model), logits(peft))


def test_fusion_is_pefts_cat_and_not_its_linear_combination(
    base: Path, folders: dict[str, Path], fusion: Fusion
) -> None:
    peft = with_all(base, folders)
    for kind in ("cat", "linear"):
        peft.add_weighted_adapter(["one", "two"], [0.7, 0.3], kind, combination_type=kind)
    with fusion.rows([(0, 0.7, 0.3, 0)] * 4) as model:
        ours = logits(model)

    peft.set_adapter("cat")
    close(ours, logits(peft))
    peft.set_adapter("linear")
    assert (ours - logits(peft)).norm() > 0.1 * ours.norm()


def test_pefts_linear_combination_counts_a_shared_layer_too_often_and_fusion_once(
    base: Path, folders: dict[str, Path], fusion: Fusion
) -> None:
    peft = with_all(base, folders)
    peft.add_weighted_adapter(["one", "two"], [0.7, 0.3], "linear", combination_type="linear")
    layer = peft.base_model.model.model.layers[0].self_attn.q_proj
    too_often = (math.sqrt(0.7) + math.sqrt(0.3)) ** 2
    assert too_often == pytest.approx(1.92, abs=0.01)
    torch.testing.assert_close(layer.get_delta_weight("linear"), too_often * layer.get_delta_weight("global"))

    shared = fusion.model.get_submodule("model.layers.0.self_attn.q_proj")
    x = torch.randn(1, 3, shared.in_features, generator=torch.Generator().manual_seed(0))
    found = []
    for scales in ((1, 0, 0, 0), (0, 0.7, 0.3, 0), (0, 0.1, 0.2, 0.7)):
        with fusion.rows([scales]):
            found.append(shared(x))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def with_all(base: Path, folders: dict[str, Path]) -> PeftModel:
    with warnings.catch_warnings():  # PEFT says that LoRA deltas of one rank go well together
        warnings.simplefilter("ignore", UserWarning)
        model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), folders["global"], "global")
        for name in NAMES[1:]:
            model.load_adapter(folders[name], name)
    return model.eval()


def test_an_expert_that_is_added_later_leaves_what_the_others_give_bit_by_bit(
    base: Path, folders: dict[str, Path]
) -> None:
    shared, one, two, three = (read(folders[name]) for name in NAMES)
    fusion = Fusion(AutoModelForCausalLM.from_pretrained(base), shared, [one, two])
    with fusion.rows([scales[:3] for scales in SCALES]) as model:
        before = logits(model)
    fusion.add(three)
    with fusion.rows([(*scales[:3], 0) for scales in SCALES]) as model:
        assert torch.equal(logits(model), before)
    with fusion.rows([(0, 0, 0, 1)] * 4) as model:
        assert not torch.equal(logits(model), before)


def test_an_expert_whose_file_has_the_tuned_layers_only_is_the_whole_one(
    base: Path, folders: dict[str, Path], tmp_path: Path, fusion: Fusion
) -> None:
    tensors = load_file(folders["two"] / "adapter_model.safetensors")
    save_file({k: v for k, v in tensors.items() if LAST in k}, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text((folders["two"] / "adapter_config.json").read_text())
    partial = Fusion(
        AutoModelForCausalLM.from_pretrained(base), read(folders["global"]), [read(folders["one"]), read(tmp_path)]
    )
    scales = [scales[:3] for scales in SCALES]
    with partial.rows(scales) as model:
        found = logits(model)
    with fusion.rows([(*each, 0) for each in scales]) as model:
        assert torch.equal(found, logits(model))


def test_a_base_of_half_precision_keeps_it(base: Path, folders: dict[str, Path], fusion: Fusion) -> None:
    half = Fusion(AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16), read(folders["global"]))
    with half.rows([(1,)] * 4) as model:
        found = logits(model)
    with fusion.rows([(1, 0, 0, 0)] * 4) as model:
        exact = logits(model)
    assert found.dtype == torch.bfloat16
    assert (found - exact).norm() < 0.05 * exact.norm()


def test_outside_of_a_batch_the_model_is_the_base_alone(base: Path, fusion: Fusion) -> None:
    plain = logits(AutoModelForCausalLM.from_pretrained(base))
    with pytest.raises(ValueError, match="scales for 2"), fusion.rows(SCALES[:2]) as model:
        logits(model)  # of four rows
    assert torch.equal(logits(fusion.model), plain)
    with fusion.rows([(0, 0, 0, 0)] * 4) as model:
        assert torch.equal(logits(model), plain)


def test_one_batch_at_a_time_and_a_scale_for_each_adapter(fusion: Fusion) -> None:
    with fusion.rows(SCALES), pytest.raises(RuntimeError, match="Another batch"), fusion.rows(SCALES):
        pass
    with pytest.raises(ValueError, match="4 adapters"), fusion.rows([(1, 0, 0)]):
        pass
    with fusion.rows([by_weights([0.4, 0.35, 0.25]).scales]):
        pass


def changed(folder: Path, to: Path, **config: object) -> Path:
    to.mkdir()
    save_file(load_file(folder / "adapter_model.safetensors"), to / "adapter_model.safetensors")
    (to / "adapter_config.json").write_text(
        json.dumps(json.loads((folder / "adapter_config.json").read_text()) | config)
    )
    return to


def test_a_scale_by_the_square_root_of_the_rank_is_read(folders: dict[str, Path], tmp_path: Path) -> None:
    adapter = read(changed(folders["one"], tmp_path / "rs", use_rslora=True))
    assert {low.scale for low in adapter.values()} == {8 / math.sqrt(4)}


def test_what_is_no_plain_lora_or_is_of_another_base_is_refused_in_words(
    base: Path, folders: dict[str, Path], tmp_path: Path, fusion: Fusion
) -> None:
    with pytest.raises(AdapterError, match="can be read"):
        read(tmp_path / "nowhere")
    with pytest.raises(AdapterError, match="use_dora"):
        read(changed(folders["one"], tmp_path / "dora", use_dora=True))
    with pytest.raises(AdapterError, match="can be read"):
        read(changed(folders["one"], tmp_path / "without alpha", lora_alpha=None))
    broken = changed(folders["one"], tmp_path / "broken")
    (broken / "adapter_model.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(AdapterError, match="can be read"):
        read(broken)
    embedded = changed(folders["one"], tmp_path / "embedded")
    tensors = load_file(embedded / "adapter_model.safetensors")
    save_file(tensors | {"base_model.model.lm_head.weight": torch.ones(2, 2)}, embedded / "adapter_model.safetensors")
    with pytest.raises(AdapterError, match="lm_head"):
        read(embedded)

    adapter = read(folders["one"])
    name, low = next(iter(adapter.items()))
    for wrong, told in (
        ({name.replace("layers.0", "layers.7"): low}, "no layer"),
        ({"model.norm": low}, "no linear layer"),
        ({"lm_head": low}, "another size"),
        ({name: LowRank(low.down[:2], low.up, 1.0)}, "another size"),
    ):
        with pytest.raises(AdapterError, match=told):
            fusion.add(wrong)
    with fusion.rows(SCALES):  # nothing of it was added
        pass
