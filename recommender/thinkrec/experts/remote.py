"""Fusion by endpoints, where the model is not in this process. Pure.

llama.cpp adds LoRA adapters by the scales of each request, and that is the exact sum. An endpoint that takes one
adapter a request, by its name (vLLM), is asked once for each that acts: then probabilities are mixed instead of
weights. A mixture is another model than the fused one, and only an approximation of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def acting(names: Sequence[str], scales: Sequence[float]) -> dict[str, float]:
    """The adapters that act at all with their scales, the largest first.

    `names` and `scales` (1 + N): of the global adapter, then of each expert, as `gate.Choice.scales` has them. A group
    without an adapter of its own has the global one's name, and adds to its scale. Raises ValueError where the two
    differ in number.
    """
    summed: dict[str, float] = {}
    for name, scale in zip(names, scales, strict=True):
        summed[name] = summed.get(name, 0.0) + scale
    return dict(sorted(((name, scale) for name, scale in summed.items() if scale > 0), key=lambda pair: -pair[1]))


def lora_scales(scales: Mapping[str, float], held: Mapping[str, int]) -> dict[str, Any]:
    """What a request to llama.cpp's server says beside its prompt, so that these adapters act and no others.

    `held`: by name the server's numbers of adapters (GET /lora-adapters); each file is a whole adapter, with the layers
    that stage 3 left as they were. No prompt is cached: some releases go on from states that were computed with other
    scales (llama.cpp issue 26207). Raises KeyError for an adapter that is not held.
    """
    lora = [{"id": held[name], "scale": scale} for name, scale in scales.items()]
    return {"lora": lora, "cache_prompt": False}


def mixed(scales: Mapping[str, float], probabilities: Mapping[str, float]) -> float:
    """Σ wₙ pₙ over the adapters that act, from each one's probability of the same event.

    It is exact where one adapter acts. Raises ValueError where a probability is missing or is none.
    """
    missing = [name for name in scales if not 0 <= probabilities.get(name, -1) <= 1]
    if missing:
        raise ValueError(f"There is no probability by the adapters {', '.join(missing)}.")
    return sum(scale * probabilities[name] for name, scale in scales.items())
