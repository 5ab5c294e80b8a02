import io

import pytest

from recommender.progress import Progress


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
