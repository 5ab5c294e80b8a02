"""Experts fused exactly: each row of a batch gets its own weighted sum of low-rank deltas, base(x) + Σ wₙ sₙ Bₙ Aₙ x.

ThinkRec's code sums the As and the Bs apart (PEFT's `linear`), which adds cross terms and counts the layers that all
experts share more than once (METHODS.md 2.7). Here a layer that an adapter has in common with others counts once, with
the sum of their weights.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import linear

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
_PREFIX = "base_model.model."
_PLAIN = {"peft_type": "LORA", "use_dora": False, "lora_bias": False, "bias": "none", "alpha_pattern": {}}


class AdapterError(Exception):
    """An adapter cannot be read, or does not fit its base model; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class LowRank:
    """What an adapter adds to one linear layer: scale · up @ down."""

    down: Tensor  # (r, in), PEFT's A
    up: Tensor  # (out, r), PEFT's B
    scale: float

    def same_as(self, other: "LowRank") -> bool:
        return self.scale == other.scale and torch.equal(self.down, other.down) and torch.equal(self.up, other.up)


Adapter = Mapping[str, LowRank]  # by the layer's name in the base model


def read(folder: Path) -> Adapter:
    """The adapter that PEFT (`recommender.tuning.lora`) saved in `folder`. Raises AdapterError."""
    try:
        config = json.loads((folder / CONFIG).read_text())
        tensors, alpha = load_file(folder / WEIGHTS), float(config["lora_alpha"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise AdapterError(f"There is no adapter in {folder} that can be read: {error}") from error
    odd = [name for name, plain in _PLAIN.items() if config.get(name, plain) not in (plain, None)]
    downs = {name: name.replace(".lora_A.", ".lora_B.") for name in tensors if name.endswith(".lora_A.weight")}
    if odd or set(tensors) != {*downs, *downs.values()}:
        more = sorted(set(tensors) - {*downs, *downs.values()})
        raise AdapterError(f"The adapter in {folder} is no plain LoRA of linear layers: {', '.join(odd + more[:3])}.")
    root = sqrt if config.get("use_rslora") else float
    return {
        down.removeprefix(_PREFIX).removesuffix(".lora_A.weight"): LowRank(
            tensors[down], tensors[up], alpha / root(len(tensors[down]))
        )
        for down, up in downs.items()
    }


class Fusion:
    """A base model (a causal language model of transformers) with a global adapter and N experts.

    An expert is a whole adapter that stands in the global one's place. In layers that its file leaves out (stage 3
    tunes the last ones only) it is the global one. Outside of `rows` the model is the base alone.
    """

    def __init__(self, model: nn.Module, global_adapter: Adapter, experts: Sequence[Adapter] = ()) -> None:
        self.model = model
        self._adapters: list[Adapter] = []
        self._layers: dict[str, _Layer] = {}
        self._alone = Lock()
        for adapter in (global_adapter, *experts):
            self.add(adapter)

    def add(self, adapter: Adapter) -> None:
        """Add an expert. What the others give stays, bit by bit. Raises AdapterError where it does not fit."""
        modules = {name: self._module(name, low) for name, low in adapter.items()}
        for name, module in modules.items():
            if name not in self._layers:
                self._layers[name] = _Layer(module, before=len(self._adapters))
        self._adapters.append(adapter)
        for name, layer in self._layers.items():
            layer.add(adapter.get(name))

    @property
    def parameters(self) -> int:
        """Numbers of all adapters; what several have in common counts once."""
        deltas = (delta for layer in self._layers.values() for delta in layer.deltas)
        return sum(delta.down.numel() + delta.up.numel() for delta in deltas)

    @contextmanager
    def rows(self, scales: Sequence[Sequence[float]]) -> Iterator[nn.Module]:
        """Gives the model for batches whose rows have these scales (B, 1 + N): the global adapter's, then each
        expert's, as `gate.Choice.scales` has them.

        Raises ValueError for another number of adapters, RuntimeError where another batch is inside of a block.
        """
        each = torch.tensor(scales, dtype=torch.float64)
        if each.dim() != 2 or each.shape[1] != len(self._adapters):
            raise ValueError(f"Scales {tuple(each.shape)} are not those of {len(self._adapters)} adapters.")
        if not self._alone.acquire(blocking=False):
            raise RuntimeError("Another batch is being computed with other scales.")
        try:
            for layer in self._layers.values():
                layer.begin(each)
            yield self.model
        finally:
            for layer in self._layers.values():
                layer.end()
            self._alone.release()

    def _module(self, name: str, low: LowRank) -> nn.Linear:
        try:
            module = self.model.get_submodule(name)
        except AttributeError as error:
            raise AdapterError(f"The base model has no layer {name}: the adapter was tuned on another one.") from error
        if not isinstance(module, nn.Linear):
            raise AdapterError(f"{name} of the base model is no linear layer.")
        sizes = (module.out_features, len(low.down), module.in_features)
        if (*low.up.shape, low.down.shape[1]) != sizes:
            raise AdapterError(f"{name} has another size in the base model: the adapter was tuned on another one.")
        return module


class _Layer:
    """One linear layer's different low-rank deltas, and which adapter has which."""

    def __init__(self, module: nn.Linear, *, before: int) -> None:
        self._module = module
        self.deltas: list[LowRank] = []
        self._of: list[int | None] = [None] * before  # by adapter, the global one first: none where it has none here
        self._handle: Any = None

    def add(self, low: LowRank | None) -> None:
        if low is None:
            self._of.append(self._of[0] if self._of else None)
            return
        device = self._module.weight.device
        low = LowRank(low.down.to(device), low.up.to(device), low.scale)
        known = (place for place, delta in enumerate(self.deltas) if delta.same_as(low))
        place = next(known, len(self.deltas))
        self.deltas += [low] if place == len(self.deltas) else []
        self._of.append(place)

    def begin(self, scales: Tensor) -> None:
        """Add the deltas that rows with these `scales` (B, 1 + N) use, and no others: an unused one costs nothing."""
        of_delta = torch.zeros(len(scales), len(self.deltas), dtype=scales.dtype)
        for adapter, place in enumerate(self._of):
            if place is not None:
                of_delta[:, place] += scales[:, adapter]
        used = [place for place in range(len(self.deltas)) if of_delta[:, place].any()]
        if not used:
            return
        deltas = [self.deltas[place] for place in used]
        down = torch.cat([delta.down for delta in deltas])  # (R, in)
        up = torch.cat([delta.up for delta in deltas], dim=1)  # (out, R)
        by_rank = torch.cat(
            [(of_delta[:, place, None] * self.deltas[place].scale).expand(-1, len(delta.down))
             for place, delta in zip(used, deltas, strict=True)], dim=1,
        ).to(down)  # (B, R)  # fmt: skip

        def add_deltas(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            x = inputs[0]  # (B, …, in)
            if len(x) != len(by_rank):
                raise ValueError(f"A batch of {len(x)} rows has scales for {len(by_rank)}.")
            low = linear(x.to(down.dtype), down)
            low = low * by_rank.view(len(by_rank), *[1] * (x.dim() - 2), -1)
            return output + linear(low, up).to(output.dtype)

        self._handle = self._module.register_forward_hook(add_deltas)

    def end(self) -> None:
        if self._handle is not None:
            self._handle.remove()
            self._handle = None
