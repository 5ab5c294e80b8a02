"""A LoRA adapter by its name, on a llama.cpp server.

That server takes a model's name for a label and wants the adapter by number with each request; vLLM takes the name
itself. So where a role's model is called as R4Web calls its adapters, the server is asked what it holds: its adapters
are files, whose names without ending are the adapters' own (recommender.tuning.gguf_lora).
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

# recommender.models.TuningRun.adapter_name and ThinkrecRun.adapter_name, with a group's name after it
_OURS = re.compile(r".+-(?:(?:actor|reflector)-\d+|thinkrec-\d+(?:-[\w-]+)?)")


class NoAdapterError(Exception):
    """The server is llama.cpp's and does not hold the adapter; the message says which it does."""


def hold(parameters: Any, paths: Iterable[Path]) -> None:
    """Let a server that is started with these xllamacpp.CommonParams hold adapters, none of which answers unasked.

    Prompts are then not cached: llama.cpp would go on from what it computed of a prompt with another adapter
    (https://github.com/ggml-org/llama.cpp/issues/26207). Without a path nothing changes.
    """
    import xllamacpp  # noqa: PLC0415 - only where a server is started

    if held := [xllamacpp.CommonAdapterLoraInfo(str(path), 0.0) for path in paths]:
        parameters.lora_adapters = held
        parameters.cache_prompt, parameters.cache_ram_mib = False, 0


def is_adapter(model: str) -> bool:
    """Whether a model is called as an adapter that R4Web tuned."""
    return _OURS.fullmatch(model) is not None


def address(base_url: str) -> str:
    """Where a llama.cpp server lists its adapters: beside /v1, not under it."""
    return f"{base_url.rstrip('/').removesuffix('/v1')}/lora-adapters"


def held(body: bytes) -> dict[str, int] | None:
    """The server's numbers of its adapters by their names; None where the body is no such list: another server."""
    try:
        return {PurePath(each["path"]).stem: each["id"] for each in json.loads(body)}
    except (ValueError, TypeError, KeyError):
        return None


def require(models: Iterable[str], found: Mapping[str, int]) -> None:
    """Raises NoAdapterError where a llama.cpp server does not hold one of these adapters."""
    for model in models:
        if model not in found:
            told = f"it holds {', '.join(sorted(found))}" if found else "it was started without any"
            raise NoAdapterError(f"no adapter {model!r} is there: {told}")


def chosen(model: str, found: Mapping[str, int]) -> dict[str, Any]:
    """What a request sends beside the protocol so that this adapter alone answers. Raises NoAdapterError."""
    require([model], found)
    return {"lora": [{"id": found[model], "scale": 1.0}]}
