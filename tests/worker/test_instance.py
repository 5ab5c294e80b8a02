import os
import socket
from pathlib import Path

import pytest

from worker.supervisor import instance
from worker.supervisor.instance import CannotStartError


def test_the_folders_belong_to_their_owner_only(tmp_path: Path) -> None:
    instance.make_folders(tmp_path / "var")
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "var" / "log").is_dir()


def test_a_start_counts_from_nothing_and_leaves_other_files_alone(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    instance.clear_counts(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("counter_7.db", "histogram_7.db", "note.txt"):
        (folder / name).touch()
    instance.clear_counts(folder)
    assert [file.name for file in folder.iterdir()] == ["note.txt"]


def test_a_second_start_says_where_the_first_runs(tmp_path: Path) -> None:
    instance.make_folders(tmp_path)
    with (
        instance.only_one(tmp_path, address="http://127.0.0.1:8123"),
        pytest.raises(CannotStartError, match=r"already running at http://127\.0\.0\.1:8123"),
        instance.only_one(tmp_path, address="http://127.0.0.1:9999"),
    ):
        pass
    with instance.only_one(tmp_path, address="http://127.0.0.1:9999"):
        pass  # free again


def test_a_port_in_use_is_one_clear_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStartError) as said:
            instance.check_port(port, setting="R4_PORT")
    assert str(said.value) == f"Port {port} is in use by another program: choose another one with R4_PORT."
    instance.check_port(port, setting="R4_PORT")


def test_a_nearly_full_disk_is_one_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "NEEDED_BYTES", 2**60)
    with pytest.raises(CannotStartError, match=r"The disk of .* is full"):
        instance.make_folders(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CannotStartError, match="cannot be used"):
        instance.make_folders(tmp_path / "var")


def test_a_restore_that_was_killed_is_to_be_finished_first(tmp_path: Path) -> None:
    instance.make_folders(tmp_path)
    instance.check_restored(tmp_path)
    (tmp_path / "run" / "restoring").touch()
    with pytest.raises(CannotStartError, match=r"Run it again: manage\.py restore FILE --overwrite"):
        instance.check_restored(tmp_path)
