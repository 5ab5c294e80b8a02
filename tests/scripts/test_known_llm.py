"""`make run LLM=…`: a word that names no model is told before anything is installed for it."""

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[2]


def told(word: str, *, home: Path) -> tuple[int, str]:
    """How scripts/known-llm ends, and what it says."""
    ran = subprocess.run(
        [ROOT / "scripts" / "known-llm", word],
        env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("word", ["", "smollm2", "{home}/a model.GGUF", "~/a model.GGUF"])
def test_what_can_be_served_is_let_pass(word: str, tmp_path: Path) -> None:
    (tmp_path / "a model.GGUF").touch()
    assert told(word.format(home=tmp_path), home=tmp_path) == (0, "")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("SmolLM", "LLM=SmolLM is no model known here: write smollm2, or the path of a .gguf file."),
        ("{home}/a.txt", "is no model known here"),
        ("{home}", "is a folder: name one .gguf file in it."),
        ("{home}/none.gguf", "there is no such file."),
        ("~/none.gguf", "there is no such file."),
    ],
)
def test_a_word_that_names_no_model_is_told(word: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    code, words = told(word.format(home=tmp_path), home=tmp_path)
    assert code == 1
    assert said in words


def test_make_asks_before_it_installs() -> None:
    ran = subprocess.run(["make", "-n", "run", "LLM=foo"], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = ran.stdout.splitlines()
    asks = next(place for place, line in enumerate(lines) if "scripts/known-llm" in line)
    assert asks < next(place for place, line in enumerate(lines) if "scripts/bootstrap" in line)
