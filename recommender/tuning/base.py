"""A base model in torch: a folder or hub name that transformers loads, or a GGUF, whose numbers are unpacked."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from recommender.llm import hub
from recommender.llm.weights import NoWeightsError, gguf_of, is_gguf
from recommender.tuning.config import CannotTuneError


def load_tokenizer(name: str) -> Any:
    """The tokenizer of a base. Raises CannotTuneError."""
    place, more = _source(name)
    return _explained(name, lambda: AutoTokenizer.from_pretrained(place, **more))


def load_weights(name: str, device: torch.device, *, bfloat16: bool = False) -> Any:
    """The causal language model of a base: bfloat16 on a GPU and where it is asked for, else float32.

    Raises CannotTuneError.
    """
    dtype = torch.bfloat16 if device.type == "cuda" or bfloat16 else torch.float32
    place, more = _source(name)
    if not more:
        return _explained(name, lambda: AutoModelForCausalLM.from_pretrained(place, dtype=dtype)).to(device)
    # Unpacked, because LoRA is for layers of plain numbers.
    unpacked = more | {"quantization_config": GgufConfig(dequantize=True)}
    model = _explained(name, lambda: AutoModelForCausalLM.from_pretrained(place, dtype=dtype, **unpacked))
    model.name_or_path = str(Path(place) / more["gguf_file"])  # what an adapter names as its base
    return model.to(device)


class ExactHead(nn.Linear):
    """An output layer in float32 whatever the layers before it are.

    In bfloat16 logits near 20 lie an eighth apart: among a person's candidates many would be equal. `tied`: its numbers
    are the input's, so that they are no parameters of their own.
    """

    def __init__(self, head: nn.Linear, *, tied: bool) -> None:
        super().__init__(head.in_features, head.out_features, bias=head.bias is not None, device=head.weight.device)
        self.load_state_dict({name: value.float() for name, value in head.state_dict().items()})
        if tied:
            weight = self.weight.detach()
            del self.weight
            self.register_buffer("weight", weight, persistent=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        with torch.autocast(hidden.device.type, enabled=False):
            return super().forward(hidden.float())


def with_exact_head(model: Any) -> Any:
    """The model with an output layer in float32, for what compares the logits of answers."""
    head = model.get_output_embeddings()
    if head.weight.dtype != torch.float32:
        model.set_output_embeddings(ExactHead(head, tied=head.weight is model.get_input_embeddings().weight))
    return model


def products_of(model: Any) -> AbstractContextManager[Any]:
    """A block in which a model of bfloat16 weights multiplies in bfloat16, whatever its adapter's weights are."""
    weight = model.get_input_embeddings().weight
    return torch.autocast(weight.device.type, torch.bfloat16, enabled=weight.dtype == torch.bfloat16)


def _source(name: str) -> tuple[str, dict[str, str]]:
    """What transformers is asked for: a place, and which of its files holds a GGUF's weights."""
    try:
        if not is_gguf(name):
            hub.find(name)
            return name, {}
        path = gguf_of(name)
    except (NoWeightsError, hub.NotThereError) as error:
        raise CannotTuneError(f"The base model {name!r} cannot be loaded. {error}") from error
    return str(path.parent), {"gguf_file": path.name}


def _explained(name: str, load_it: Callable[[], Any]) -> Any:
    """What `load_it` gives; what hinders it becomes a sentence."""
    try:
        return load_it()
    except (OSError, ValueError) as error:
        raise CannotTuneError(f"The base model {name!r} cannot be loaded. {str(error).splitlines()[0]}") from error
