"""Fusion by endpoints, where the model is not in this process. Pure.

llama.cpp adds LoRA adapters by the scales of each request, and that is the exact sum. An endpoint that takes one
adapter a request, by its name (vLLM), is asked once for each expert: then probabilities are mixed instead of weights. A
mixture is another model than the fused one, and only an approximation of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from recommender.thinkrec.experts.gate import Choice


def lora_scales(choice: Choice, adapters: Sequence[int], *, prompt_cache: bool = False) -> dict[str, Any]:
    """What a request to llama.cpp's server says beside its prompt.

    `adapters` (1 + N) are the server's ids (GET /lora-adapters): of the global adapter, then of each expert; each file
    is a whole adapter, with the layers that stage 3 left as they were. Allow the `prompt_cache` only where the server
    is known to compute a prompt anew for other scales: some releases go on from another end user's states (llama.cpp
    issue 26207); the one of requirements/llm.lock does not.
    """
    scales = zip(adapters, choice.scales, strict=True)
    return {"lora": [{"id": adapter, "scale": scale} for adapter, scale in scales], "cache_prompt": prompt_cache}


def asked(choice: Choice) -> tuple[int, ...]:
    """The adapters to ask, by their place (0 the global one, n expert n): those that act at all."""
    return tuple(place for place, scale in enumerate(choice.scales) if scale > 0)


def mixed(choice: Choice, probabilities: Mapping[int, float]) -> float:
    """Σ wₙ pₙ over the adapters that `asked` names, from each one's probability of the same event.

    It is exact where one adapter acts. Raises ValueError where a probability is missing or is none.
    """
    places = asked(choice)
    missing = [place for place in places if not 0 <= probabilities.get(place, -1) <= 1]
    if missing:
        raise ValueError(f"There is no probability by the adapters {', '.join(map(str, missing))}.")
    return sum(choice.scales[place] * probabilities[place] for place in places)
