"""What a GGUF file says of its model, read from its first bytes; no weight is touched.

The format is told in https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).
"""

import mmap
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from recommender.llm.weights import NoWeightsError

MAGIC = b"GGUF"
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
MOST_DIMENSIONS = 8
KEPT = 4096  # entries of an array of numbers that are kept; longer ones are vocabularies
BYTES_OF_A_NUMBER = 2  # of the cache, 16 bits


@dataclass(frozen=True, slots=True)
class Header:
    """`parameters`: of this file; `context`: tokens that it was trained to read at once, 0 where it does not say.

    `bytes_a_token`: what the keys and values of one token take in memory; 0 where it does not say.
    """

    name: str
    parameters: int
    context: int
    bytes_a_token: int


def read(path: Path) -> Header:
    """Raises NoWeightsError where it is no GGUF of a language model."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            told, parameters = _Reader(data).all()
    except (OSError, ValueError, KeyError, struct.error, OverflowError) as error:
        why = str(error) or type(error).__name__
        raise NoWeightsError(f"{path} is no GGUF that can be read: {why}{'' if why.endswith('?') else '.'}") from error
    if told.get("general.type", "model") != "model":
        raise NoWeightsError(f"{path} holds no language model, but {_word(told['general.type'])}.")
    architecture = str(told.get("general.architecture", ""))

    def number(key: str) -> int:
        value = told.get(f"{architecture}.{key}", 0)
        values = value if isinstance(value, list) else [value]
        return max((int(each) for each in values if isinstance(each, int) and each > 0), default=0)

    heads = number("attention.head_count")
    width = number("embedding_length") // heads if heads else 0
    kept_heads = number("attention.head_count_kv") or heads
    each = (number("attention.key_length") or width) + (number("attention.value_length") or width)
    return Header(
        name=_word(told.get("general.name", "")),
        parameters=parameters,
        context=number("context_length"),
        bytes_a_token=number("block_count") * kept_heads * each * BYTES_OF_A_NUMBER,
    )


def _word(value: object) -> str:
    return " ".join(str(value).split())[:100]


class _Reader:
    """Reads forward. What is said to be longer than the file ends as a struct.error or ValueError."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._place = data, 0

    def all(self) -> tuple[dict[str, Any], int]:
        """The key-value pairs, and how many parameters the tensors have together."""
        if self._data[:4] != MAGIC:
            raise ValueError("it does not begin as one")
        self._place = 4
        version = self._scalar("I")
        if version not in (2, 3):
            raise ValueError(f"its version is {version}")
        tensors, pairs = self._scalar("Q"), self._scalar("Q")
        told = {}
        for _ in range(pairs):
            key = self._string()
            told[key] = self._value(self._scalar("I"))
        sizes = [self._tensor() for _ in range(tensors)]
        if self._place + max((lies for _, lies in sizes), default=0) > len(self._data):
            raise ValueError("its weights are not all there; was it copied to its end?")
        return told, sum(size for size, _ in sizes)

    def _tensor(self) -> tuple[int, int]:
        """How many numbers it has, and where it lies behind the header."""
        self._string()
        dimensions = self._scalar("I")
        if dimensions > MOST_DIMENSIONS:
            raise ValueError(f"a tensor has {dimensions} dimensions")
        size = prod(int(self._scalar("Q")) for _ in range(dimensions))
        self._scalar("I")  # its type
        return size, int(self._scalar("Q"))

    def _value(self, kind: int) -> Any:
        if kind == STRING:
            return self._string()
        if kind != ARRAY:
            return self._scalar(SCALARS[kind])
        of, count = self._scalar("I"), self._scalar("Q")
        if of in SCALARS and count > KEPT:
            self._skip(count * struct.calcsize(f"<{SCALARS[of]}"))
            return None
        if of == STRING:
            for _ in range(count):
                self._skip(self._scalar("Q"))
            return None
        return [self._value(of) for _ in range(count)]

    def _scalar(self, form: str) -> Any:
        (value,) = struct.unpack_from(f"<{form}", self._data, self._place)
        self._place += struct.calcsize(f"<{form}")
        return value

    def _string(self) -> str:
        start, length = self._place + 8, self._scalar("Q")
        self._skip(length)
        return self._data[start : self._place].decode("utf-8", "replace")

    def _skip(self, size: int) -> None:
        if self._place + size > len(self._data):
            raise ValueError("it ends too early")
        self._place += size
