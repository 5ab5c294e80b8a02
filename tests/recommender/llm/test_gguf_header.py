"""What a GGUF file says of its model: right, wrong, and cut off anywhere."""

import struct
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.llm import gguf_header, weights
from recommender.llm.weights import NoWeightsError

ARRAY_OF_STRINGS, ARRAY_OF_FLOATS = (9, 8), (9, 6)


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: Any) -> bytes:
    match value:
        case str():
            return struct.pack("<I", 8) + _string(value)
        case int():
            return struct.pack("<II", 4, value)
        case list() if isinstance(value[0], str):
            return struct.pack("<IIQ", *ARRAY_OF_STRINGS, len(value)) + b"".join(map(_string, value))
        case list() if isinstance(value[0], float):
            return struct.pack("<IIQ", *ARRAY_OF_FLOATS, len(value)) + struct.pack(f"<{len(value)}f", *value)
        case _:
            return (
                struct.pack("<IIIQ", 9, 4, 0, 0)[:8]
                + struct.pack("<Q", len(value))
                + struct.pack(f"<{len(value)}I", *value)
            )


def gguf(told: dict[str, Any], *tensors: tuple[int, ...], version: int = 3, lies: int = 0) -> bytes:
    data = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(told))
    data += b"".join(_string(key) + _value(value) for key, value in told.items())
    for number, shape in enumerate(tensors):
        data += _string(f"t{number}") + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, lies)
    return data


TOLD = {
    "general.architecture": "llama",
    "tokenizer.ggml.tokens": ["a", "bc", ""],
    "tokenizer.ggml.scores": [0.5] * 5000,
    "general.name": "Small\n one",
    "llama.context_length": 4096,
    "llama.block_count": 2,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 8,
    "llama.attention.head_count_kv": [2, 4],
}
WHOLE = gguf(TOLD, (64, 10), (7,))


def read(data: bytes, folder: Path) -> gguf_header.Header:
    path = folder / "model.gguf"
    path.write_bytes(data)
    return gguf_header.read(path)


def test_a_header_says_how_large_the_model_is_and_what_a_token_takes(tmp_path: Path) -> None:
    found = read(WHOLE, tmp_path)
    assert (found.name, found.parameters, found.context) == ("Small one", 647, 4096)
    assert found.bytes_a_token == 2 * 4 * (8 + 8) * 2  # blocks × heads × (key + value) × two bytes


def test_what_a_file_does_not_say_is_nothing(tmp_path: Path) -> None:
    found = read(gguf({"general.architecture": "new", "new.context_length": "long"}), tmp_path)
    assert (found.name, found.parameters, found.context, found.bytes_a_token) == ("", 0, 0, 0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no GGUF"),
        (b"<html>Not found</html>", "does not begin as one"),
        (gguf(TOLD, version=99), "its version is 99"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 2**60), "is no GGUF"),
        (gguf({}) [:8] + struct.pack("<QQ", 0, 1) + struct.pack("<Q", 2**63), "ends too early"),
        (gguf({}, (1,) * 9), "9 dimensions"),
        (gguf({"general.type": "adapter"}), "holds no language model, but adapter"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_said(data: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(NoWeightsError, match=said):
        read(data, tmp_path)


def test_weights_that_were_not_copied_to_their_end_are_missed(tmp_path: Path) -> None:
    header = gguf(TOLD, (64, 10), lies=4096)
    with pytest.raises(NoWeightsError, match="its weights are not all there; was it copied to its end"):
        read(header + b"0" * 4000, tmp_path)
    assert read(header + b"0" * 5000, tmp_path).parameters == 640


@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_that_was_cut_off_anywhere_is_refused(end: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.raises(NoWeightsError):
        read(WHOLE[:end], Path(folder))


def test_a_word_is_settled_and_named() -> None:
    assert weights.settled("smollm2") == weights.name_of("smollm2") == "smollm2"
    assert weights.settled("models/My one.gguf") == str(Path.cwd() / "models" / "My one.gguf")
    assert weights.name_of("/models/My one.gguf") == "My one"
    assert weights.settled("") == weights.name_of("") == ""
