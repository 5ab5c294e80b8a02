import re

from tests.architecture import repository

LONGEST = 400
GENERATED = {"requirements", "LICENSE", "answers.py"}  # and what Django writes of all first migrations together
# Written in two parts so that this file does not find itself.
MACHINE_PATHS = re.compile(
    r"(?<![\w.$~-])/(?:"
    + "|".join(["home/" + r"\w", "root/" + r"\w", "tmp/" + r"\w", "wo" + "rk/", "opt/wh" + "eels"])
    + ")"
)
PATHS_IN_CONTAINERS = {"docker-compose.yml", "Dockerfile"}


def test_no_file_is_above_400_lines() -> None:
    long = {
        str(path): text.count("\n")
        for path, text in repository.texts(".py", ".html", ".css", ".js", ".md", ".sh", ".toml").items()
        if text.count("\n") > LONGEST and GENERATED.isdisjoint(path.parts) and "_squashed_" not in path.name
    }
    assert long == {}


def test_no_committed_file_names_a_path_of_one_machine() -> None:
    found = {
        str(path): match.group()
        for path, text in repository.texts().items()
        if path.suffix != ".lock" and path.name not in PATHS_IN_CONTAINERS and (match := MACHINE_PATHS.search(text))
    }
    assert found == {}


def test_locks_hold_hashes_but_no_address_and_no_torch() -> None:
    for path, text in repository.texts(".lock").items():
        assert "://" not in text, path
        assert "--hash=sha256:" in text, path
        assert not re.search(r"^(torch|nvidia-\S+)==", text, re.MULTILINE), path


def test_there_is_no_utils_module_and_no_signal_receiver() -> None:
    assert [path for path in repository.python() if path.stem in {"utils", "helpers", "common", "misc"}] == []
    assert [path for path, text in repository.python().items() if "@receiver" in text] == []


def test_no_code_is_left_for_later() -> None:
    later = re.compile(r"\b(TO" + "DO|FIX" + "ME|XX" + "X)\b")
    found = [str(path) for path, text in repository.texts(".py", ".html", ".js", ".css").items() if later.search(text)]
    assert found == []
