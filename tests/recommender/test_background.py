"""What takes long is done beside the requests: in turn, never too much, and not where only the caller sees the rows."""

import threading

import pytest
from django.db import transaction

from recommender import background


def join() -> None:
    for thread in threading.enumerate():
        if thread.name == "aside":
            thread.join(10)


def test_one_is_done_after_another_and_no_more_than_may_wait() -> None:
    go_on, running, most = threading.Event(), list[int](), list[int]()

    def work() -> None:
        go_on.wait(10)
        running.append(1)
        most.append(len(running))
        running.pop()

    taken = [background.aside(work) for _ in range(background.MOST_ASIDE + 2)]
    assert taken == [True] * background.MOST_ASIDE + [None] * 2
    go_on.set()
    join()
    assert most == [1] * background.MOST_ASIDE
    assert background.aside(work)
    join()


def test_an_error_is_logged_and_the_next_is_done(caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    assert background.aside(lambda: 1 / 0)
    assert background.aside(done.set)
    join()
    assert done.is_set()
    assert "Work after an answer failed" in caplog.text


@pytest.mark.django_db
def test_inside_a_transaction_it_is_for_the_caller() -> None:
    with transaction.atomic():
        assert background.aside(lambda: pytest.fail("it was done")) is False
