"""What a process keeps: made once a key, however many threads want it, never more than it may hold."""

import threading
import time
from collections.abc import Callable

import pytest

from recommender.process_cache import ProcessCache


class Counting:
    """Makes the numbers 1, 2, 3 …, each in `seconds`."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.made, self.seconds = 0, seconds

    def __call__(self) -> int:
        time.sleep(self.seconds)
        self.made += 1
        return self.made


def test_threads_that_want_the_same_value_wait_for_one_that_makes_it() -> None:
    cache: ProcessCache[str, int] = ProcessCache("tested", most=2)
    make, found = Counting(0.05), list[int]()
    threads = [threading.Thread(target=lambda: found.append(cache.get("a", make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert found == [1] * 8


def test_another_key_does_not_wait() -> None:
    cache: ProcessCache[str, int] = ProcessCache("tested", most=2)
    making, go_on = threading.Event(), threading.Event()

    def slowly() -> int:
        making.set()
        go_on.wait(10)
        return 1

    other = threading.Thread(target=lambda: cache.get("a", slowly))
    other.start()
    assert making.wait(10)
    assert cache.get("b", lambda: 2) == 2
    go_on.set()
    other.join(10)
    assert cache.get("a", Counting()) == 1


def test_the_value_used_longest_ago_makes_room() -> None:
    cache: ProcessCache[str, int] = ProcessCache("tested", most=2)
    make = Counting()
    for key in ("a", "b", "a", "c"):
        cache.get(key, make)

    assert cache.get("a", make) == 1
    assert cache.get("b", make) == 4


def test_a_stale_value_is_used_by_the_others_while_one_makes_it_anew() -> None:
    cache: ProcessCache[str, int] = ProcessCache("tested", most=1)
    making, go_on = threading.Event(), threading.Event()

    def slowly() -> int:
        making.set()
        go_on.wait(10)
        return 2

    def stale(_: float) -> float:
        return 0.0

    cache.get("a", lambda: 1, fresh_for=stale)
    other = threading.Thread(target=lambda: cache.get("a", slowly))
    other.start()
    assert making.wait(10)
    assert cache.get("a", Counting()) == 1
    go_on.set()
    other.join(10)
    assert cache.get("a", Counting()) == 2


def test_how_long_a_value_is_fresh_may_depend_on_how_long_it_took() -> None:
    cache: ProcessCache[str, int] = ProcessCache("tested", most=1)
    told = list[float]()

    def fresh_for(seconds: float) -> float:
        told.append(seconds)
        return 60.0

    make = Counting(0.02)
    assert [cache.get("a", make, fresh_for=fresh_for) for _ in range(2)] == [1, 1]
    assert len(told) == 1
    assert told[0] >= 0.02


def test_an_error_is_raised_and_not_kept() -> None:
    cache: ProcessCache[str, float] = ProcessCache("tested", most=1)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 / 0)

    assert cache.get("a", lambda: 1.0) == 1.0


def test_cleared_everything_is_made_again() -> None:
    cache: ProcessCache[str, int] = ProcessCache("tested", most=1)
    make = Counting()
    cache.get("a", make)
    cache.clear()

    assert cache.get("a", make) == 2


def test_a_stale_value_that_is_made_aside_keeps_nobody_waiting() -> None:
    cache: ProcessCache[str, int] = ProcessCache("tested", most=1)
    make, handed = Counting(), list[Callable[[], object]]()

    def aside(work: Callable[[], object]) -> bool:
        handed.append(work)
        return True

    def get() -> int:
        return cache.get("a", make, fresh_for=lambda _: 0.0, aside=aside)

    assert (get(), len(handed)) == (1, 0)  # there was nothing to go on with
    assert (get(), get(), len(handed)) == (1, 1, 1)  # it is being made
    handed.pop()()
    assert (get(), len(handed)) == (2, 1)


def test_where_nobody_makes_it_aside_the_caller_does() -> None:
    cache: ProcessCache[str, int] = ProcessCache("tested", most=1)
    make = Counting()
    for number in (1, 2):
        assert cache.get("a", make, fresh_for=lambda _: 0.0, aside=lambda work: False) == number

    def broken(work: Callable[[], object]) -> bool:
        raise RuntimeError("no thread can be started")

    with pytest.raises(RuntimeError):
        cache.get("a", make, fresh_for=lambda _: 0.0, aside=broken)
    assert cache.get("a", make) == 3


def test_a_value_that_is_not_to_be_made_now_stays_stale() -> None:
    cache: ProcessCache[str, int] = ProcessCache("tested", most=1)
    make = Counting()
    for _ in range(3):
        assert cache.get("a", make, fresh_for=lambda _: 0.0, aside=lambda work: None) == 1
    assert cache.get("a", make) == 2  # nothing holds it


def test_a_first_value_that_is_wanted_soon_is_not_waited_for_too_long() -> None:
    cache: ProcessCache[str, int] = ProcessCache("tested", most=2)
    make, handed = Counting(), list[Callable[[], object]]()

    def later(work: Callable[[], object]) -> bool:
        handed.append(work)
        return True

    def at_once(work: Callable[[], object]) -> bool:
        work()
        return True

    assert cache.soon("a", make, seconds=0.01, aside=lambda work: None) is None
    assert cache.soon("a", make, seconds=0.01, aside=later) is None
    assert cache.soon("a", make, seconds=10, aside=later) is None  # it is being made: nobody waits for it
    assert len(handed) == 1
    handed.pop()()
    assert cache.soon("a", make, seconds=0.01, aside=later) == 1
    assert cache.soon("b", make, seconds=10, aside=at_once) == 2
    cache.clear()
    assert cache.soon("a", make, seconds=0.01, aside=lambda work: False) == 3


def test_whoever_makes_a_value_anew_sees_the_last_one() -> None:
    cache: ProcessCache[str, int] = ProcessCache("test", most=2)
    seen = list[int | None]()

    def make() -> int:
        seen.append(cache.last("key"))
        return len(seen)

    for _ in range(3):
        cache.get("key", make, fresh_for=lambda seconds: 0.0)
    assert seen == [None, 1, 2]
    cache.drop(lambda key: True)
    assert cache.last("key") is None
