import io

import pytest

from recommender.progress import Progress, Stages


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_progress_is_plain_lines() -> None:
    out = io.StringIO()
    with Progress("Import", out=out) as shown:
        shown.show("3 of 10")
    assert out.getvalue() == "Import … 0 s\nImport … done, 3 of 10, 0 s\n"


def test_on_a_terminal_one_line_is_rewritten() -> None:
    out = Terminal()
    with Progress("Import", out=out):
        pass
    assert out.getvalue() == "\r\033[KImport … 0 s\r\033[KImport … done, 0 s\n"


def test_an_error_does_not_look_like_success() -> None:
    out = io.StringIO()
    with pytest.raises(ValueError, match="no"), Progress("Import", out=out):
        raise ValueError("no")
    assert "done" not in out.getvalue()
    assert "stopped after" in out.getvalue()


def test_counts_are_shown_where_there_are_several_and_a_note_beside_them() -> None:
    out = io.StringIO()
    with Progress("Reading", out=out) as shown:
        shown.count(0, 1)
        assert shown.how_far == ""
        shown.count(1_234, 20_000, "loss 0.5")
    assert out.getvalue().endswith("Reading … done, 1,234 of 20,000, loss 0.5, 0 s\n")


def test_after_a_while_the_time_that_is_left_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    out = io.StringIO()
    with Progress("Reading", out=out) as shown:
        now += 20
        shown.count(1, 4)
    assert "Reading … 1 of 4, about 60 s left, 20 s\n" in out.getvalue()


def test_a_line_that_stays_does_not_mix_with_the_one_in_place() -> None:
    out = Terminal()
    with Progress("Import", out=out) as shown:
        shown.say("A row was rejected.")
        shown.show("3 of 10")
    assert "\r\033[KA row was rejected.\n\r\033[KImport … 3 of 10, 0 s" in out.getvalue()


def test_a_line_in_place_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    out = Terminal()
    with Progress("Import", out=out) as shown:
        shown.show("x" * 100)
    assert max(len(line.removeprefix("\033[K").rstrip("\n")) for line in out.getvalue().split("\r")) == 19


def test_stages_begin_and_end_by_themselves_and_say_how_many_steps_there_are_once_they_are_counted() -> None:
    out = io.StringIO()
    with Stages(words=str.capitalize, out=out) as stages:
        stages.at("gates", 0, 1)
        for done in range(3):
            stages.at("gates", done, 400)
        stages.at("lists", 0, 1)
    assert out.getvalue() == ("Gates … 0 s\nGates … done, 2 of 400, 0 s\nLists … 0 s\nLists … done, 0 s\n")


def stopped(stages: Stages) -> None:
    with stages:
        stages.at("reading", 1, 3)
        raise ValueError("no")


def test_a_stage_that_an_error_ends_does_not_look_done() -> None:
    out = io.StringIO()
    with pytest.raises(ValueError, match="no"):
        stopped(Stages(out=out))
    assert out.getvalue().endswith("reading … stopped after 1 of 3, 0 s\n")
