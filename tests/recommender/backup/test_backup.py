"""A backup is one whole private file; restored elsewhere, lists, texts and decisions are the same."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from recommender.backup import service
from reviews.models import Verdict
from tests.builders import make_account, make_catalog, make_end_user, make_item
from tests.conftest import ROOT
from tests.recommender.accounts.test_second_factor import switched_on
from tests.recommender.backup.told import told
from tests.recommender.serving.ranked import ranked_catalog
from tests.reviews.lessons.test_rows import decided, refined_review

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def elsewhere(child_environment: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of another installation: an empty database of the same kind, and a folder of its own."""
    var, url = tmp_path / "elsewhere", f"sqlite:///{tmp_path / 'elsewhere' / 'other.sqlite3'}"
    if connection.vendor == "postgresql":
        here = child_environment["DATABASE_URL"]
        url = f"{here.rpartition('/')[0]}/elsewhere"
        with psycopg.connect(here, autocommit=True) as server:
            server.execute("DROP DATABASE IF EXISTS elsewhere")
            server.execute("CREATE DATABASE elsewhere")
    yield child_environment | {"DATABASE_URL": url, "R4_VAR": str(var)}
    if connection.vendor == "postgresql":
        with psycopg.connect(here, autocommit=True) as server:
            server.execute("DROP DATABASE elsewhere WITH (FORCE)")


def test_restored_elsewhere_lists_texts_and_decisions_are_the_same(elsewhere: dict[str, str], tmp_path: Path) -> None:
    catalog = ranked_catalog("films")
    decided(refined_review(make_end_user(catalog)), Verdict.APPROVE)
    decided(refined_review(make_item(catalog)), Verdict.EDIT, text="Kind to é, 影,\ta \\ and “quotes”.\nTwo lines.")
    decided(refined_review(make_end_user(catalog)), Verdict.REJECT, reason="Not one title is named.")
    gone = make_account("gone")
    number = gone.pk
    gone.delete()
    switched_on(make_account("lena"))
    before = told()
    file = tmp_path / "it.tar.gz"
    call_command("backup", "--out", str(file), "--json")
    assert file.stat().st_mode & 0o777 == 0o600

    done = subprocess.run(
        [sys.executable, "-m", "tests.recommender.backup.elsewhere", str(file)],
        cwd=ROOT, env=elsewhere, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)

    assert saw["open"] == []
    assert saw["told"] == before
    assert saw["number"] > number  # the number of what was deleted is given to nobody else
    assert "is not empty" in saw["again"]
    assert "--overwrite" in saw["again"]
    assert saw["after a kill"] is True
    assert saw["unfinished"] is True
    assert (saw["last"], saw["left"], saw["aside"]) == ("", [], True)
    assert saw["told again"] == before


def test_a_backup_is_of_one_moment_while_others_write(tmp_path: Path) -> None:
    """Somebody adds an item and an end user again and again: either both are in it or none."""
    catalog = make_catalog()
    begun, stop = threading.Event(), threading.Event()

    def write() -> None:
        while not stop.is_set():
            with transaction.atomic():
                make_item(catalog)
                make_end_user(catalog)
            begun.set()
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(20)
        stored = service.back_up(tmp_path / "it.tar.gz").manifest["database"]["tables"]
    finally:
        stop.set()
        writer.join()
    assert 1 <= stored["recommender_item"] == stored["recommender_enduser"]


def test_secrets_are_left_out_unless_asked_for(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path / "var"
    (tmp_path / "var" / "log").mkdir(parents=True)
    for name in ("secret_key", "demo.json", "log/web.log", "notes", ".half-written"):
        (tmp_path / "var" / name).write_text("x")
    for options, expected in ((), {"notes"}), (("--with-secrets",), {"notes", "secret_key", "demo.json"}):
        file = tmp_path / f"{len(options)}.tar.gz"
        call_command("backup", "--out", str(file), *options)
        manifest = service.check(file)
        assert set(manifest["var"]) == expected
        assert set(manifest["left_out"]) == {"secret_key", "demo.json"} - expected


def test_a_backup_goes_nowhere_where_it_could_do_harm(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    for out, said in (
        (tmp_path / "mine", "there already"),
        (tmp_path / "no" / "folder", "make it first"),
        (Path(settings.VAR_DIR) / "it.tar.gz", "a folder elsewhere"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("backup", "--out", str(out))
    assert (tmp_path / "mine").read_text() == "mine"


def test_what_a_killed_backup_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    left = tmp_path / ".r4web-backup-killed"
    left.mkdir()
    (left / "part").write_text("half")
    with service._work_folder(tmp_path):
        assert not left.exists()
        with pytest.raises(CommandError, match="Another backup is being written"):
            call_command("backup", "--out", str(tmp_path))
    call_command("backup", "--out", str(tmp_path))
    (made,) = tmp_path.iterdir()
    assert made.name.startswith("r4web-2")
