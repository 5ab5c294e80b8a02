"""Only a whole archive, as it was written, is unpacked."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from recommender.backup import archive
from recommender.backup.errors import BackupError


def show(_: int) -> None:
    pass


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    (tmp_path / "some").write_bytes(bytes(range(256)) * 4000)
    (tmp_path / "some").chmod(0o644)
    path = tmp_path / "it.tar.gz"
    with path.open("wb") as file, archive.Writer(file, show=show) as out:
        out.add(tmp_path / "some", "database/some")
        out.add(tmp_path / "some", "var/backbones/films/other")
        out.add(tmp_path / "gone", "var/gone")
        out.finish({"parts": list(archive.PARTS)})
    return path


def test_what_was_written_comes_back_for_its_owner_only(whole: Path, tmp_path: Path) -> None:
    manifest = archive.unpack(whole, tmp_path / "into", show=show)
    assert [file["path"] for file in manifest["files"]] == ["database/some", "var/backbones/films/other"]
    there = tmp_path / "into" / "var" / "backbones" / "films" / "other"
    assert there.read_bytes() == (tmp_path / "some").read_bytes()
    assert there.stat().st_mode & 0o777 == 0o600


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def empty(content: bytes) -> bytes:
    return b""


def something_else(content: bytes) -> bytes:
    return b"PK\x03\x04 no tar"


@pytest.mark.parametrize("change", [cut, flipped, empty, something_else])
def test_a_damaged_archive_is_refused(whole: Path, change: Callable[[bytes], bytes]) -> None:
    whole.write_bytes(change(whole.read_bytes()))
    with pytest.raises(BackupError, match="Nothing was changed"):
        archive.unpack(whole, None, show=show)


def packed(path: Path, members: dict[str, bytes], *, link: str = "") -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc"
            tar.addfile(member)
    return path


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "var/../../outside", "elsewhere/x", "var"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / "it.tar.gz", {name: b"x"})
    with pytest.raises(BackupError, match="which no backup holds"):
        archive.unpack(path, tmp_path / "into", show=show)
    assert [each.name for each in tmp_path.iterdir() if each.name != "into"] == ["it.tar.gz"]


def test_links_strangers_and_newer_formats_are_refused(tmp_path: Path) -> None:
    manifest = {"kind": archive.KIND, "format": archive.FORMAT, "files": []}
    told = {"manifest.json": json.dumps(manifest).encode()}
    for path, said in (
        (packed(tmp_path / "1", told, link="var/link"), "which no backup holds"),
        (packed(tmp_path / "2", told | {"var/stranger": b"x"}), "is not what was stored"),
        (packed(tmp_path / "3", {"manifest.json": b'{"name": "an app"}'}), "its manifest is missing"),
        (packed(tmp_path / "4", {"manifest.json": json.dumps(manifest | {"format": 2}).encode()}), "newer release"),
    ):
        with pytest.raises(BackupError, match=said):
            archive.unpack(path, None, show=show)
