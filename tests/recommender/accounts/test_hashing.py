"""Password hashes: a bound for the machine, a short line in each process, and the same hashes as before."""

import fcntl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password

from recommender.accounts import hashing
from recommender.accounts.tokens import create_token, recognise
from tests.builders import make_account


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(hashing, "PATIENCE", 0.1)


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[None]:
    """Another process of this machine computes."""
    (tmp_path / "run").mkdir()
    with (tmp_path / "run" / "password-hash-0.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_who_finds_no_place_is_told_when_to_try_again(taken: None) -> None:
    with pytest.raises(hashing.BusyError, match="Try again in 5 seconds"), hashing.place():
        raise AssertionError


def test_a_place_is_given_back_and_a_thread_that_has_one_keeps_it() -> None:
    for _ in range(3):
        with hashing.place(), hashing.place():
            pass


def test_more_places_are_a_setting(taken: None, settings: Any) -> None:
    settings.PARALLEL_HASHES = 2
    with hashing.place():
        pass


def test_the_line_of_a_process_is_short(monkeypatch: pytest.MonkeyPatch, taken: None) -> None:
    """Whoever comes when two compute or wait is refused at once: the other threads answer other requests."""
    monkeypatch.setattr(hashing, "PATIENCE", 30.0)
    waiting = [hashing._line.acquire(blocking=False) for _ in range(hashing.IN_LINE)]
    began = time.monotonic()
    with pytest.raises(hashing.BusyError), hashing.place():
        raise AssertionError
    assert time.monotonic() - began < hashing.PATIENCE
    for _ in waiting:
        hashing._line.release()


def test_hashes_of_earlier_releases_are_read(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["recommender.accounts.hashing.BoundedHasher"]
    earlier = PBKDF2PasswordHasher().encode("correct horse battery", "salt", iterations=1000)
    assert check_password("correct horse battery", earlier)


def test_every_hash_takes_a_place(taken: None) -> None:
    with pytest.raises(hashing.BusyError):
        hashing.BoundedHasher().encode("correct horse battery", "salt", iterations=1)


@pytest.mark.django_db
def test_a_token_needs_no_place(taken: None) -> None:
    token, key = create_token("shop", account=make_account())
    assert recognise(key) == token
