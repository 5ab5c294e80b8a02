"""An adapter by its name: which models are asked for, and what a llama.cpp server's list makes of it."""

import json
from typing import Any

import pytest

from recommender.llm.adapters import NoAdapterError, address, chosen, held, is_adapter

LISTED: list[dict[str, Any]] = [
    {"id": 0, "path": "/var/r4/adapters/films/1/adapter/films-actor-1.gguf", "scale": 0.0},
    {"id": 1, "path": "/var/r4/adapters/films/12/adapter/films-actor-12.gguf", "scale": 0.0},
]


@pytest.mark.parametrize(
    "model",
    [
        "films-actor-1",
        "my films-reflector-20",
        "a-actor-b-actor-3",
        "films-thinkrec-3",
        "films-thinkrec-3-group-1",
    ],
)
def test_models_that_are_called_as_our_adapters_are_known(model: str) -> None:
    assert is_adapter(model)


@pytest.mark.parametrize("model", ["smollm2", "r4-demo-actor", "films-actor", "-actor-1", "films-actor-1.gguf", ""])
def test_other_models_are_not_looked_up(model: str) -> None:
    assert not is_adapter(model)


@pytest.mark.parametrize("base_url", ["http://h:1/v1", "http://h:1/v1/", "http://h:1"])
def test_the_list_lies_beside_the_protocol(base_url: str) -> None:
    assert address(base_url) == "http://h:1/lora-adapters"


def test_the_adapter_of_the_name_is_chosen_and_no_other() -> None:
    found = held(json.dumps(LISTED).encode())
    assert found == {"films-actor-1": 0, "films-actor-12": 1}
    assert chosen("films-actor-12", found) == {"lora": [{"id": 1, "scale": 1.0}]}
    assert chosen("films-actor-1", found) == {"lora": [{"id": 0, "scale": 1.0}]}


def test_an_adapter_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(NoAdapterError, match="'films-actor-2' is there: it holds films-actor-1, films-actor-12"):
        chosen("films-actor-2", {"films-actor-1": 0, "films-actor-12": 1})
    with pytest.raises(NoAdapterError, match="started without any"):
        chosen("films-actor-2", {})


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}x", b'{"error": 1}', b"[1]", b'[{"path": 3}]', b"\xff", b"null"])
def test_what_is_no_such_list_is_another_server_s(body: bytes) -> None:
    assert held(body) is None
