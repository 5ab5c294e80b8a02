"""The test house itself: the broker is real, and a live worker sees the test's rows."""

import subprocess
from collections.abc import Callable

import pytest
from celery import Celery, shared_task

from recommender.models import Catalog
from tests.builders import make_catalog
from tests.servers import wait_until


@shared_task(name="tests.rename_catalog", ignore_result=True)
def rename_catalog(catalog_id: int) -> None:
    Catalog.objects.filter(pk=catalog_id).update(name="renamed")


def test_a_live_worker_changes_rows_that_the_test_sees(live_worker: Celery) -> None:
    catalog = make_catalog()
    live_worker.send_task("tests.rename_catalog", args=[catalog.pk], queue="llm")
    wait_until(lambda: Catalog.objects.filter(name="renamed").exists(), what="the task")


@pytest.mark.django_db(transaction=True)
def test_a_child_process_sees_rows_that_the_test_made(manage: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    make_catalog("seen-by-child")
    shown = manage(
        "shell", "-v", "0", "-c", "from recommender.models import Catalog; print(Catalog.objects.get().name)"
    )
    assert (shown.stdout.strip(), shown.returncode) == ("seen-by-child", 0), shown.stderr
