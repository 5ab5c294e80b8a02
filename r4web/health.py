"""Is this process alive; is the whole installation ready. For load balancers, scripts and compose."""

import logging
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from worker.supervisor import ready as parts

log = logging.getLogger(__name__)


@csrf_exempt  # it changes nothing, whatever is sent: 405 is the answer
@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers."""
    return JsonResponse({"status": "live"})


@csrf_exempt
@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when everything it needs answers; else 503, and `checks` says in words what is wrong."""
    checks = {name: _outcome(check) for name, check in CHECKS.items()}
    is_ready = all(outcome == "ok" for outcome in checks.values())
    return JsonResponse(
        {"status": "ready" if is_ready else "not ready", "checks": checks}, status=200 if is_ready else 503
    )


def _outcome(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as error:  # whatever is wrong is the answer; where it is wrong is the log's
        log.warning("Not ready", exc_info=error)
        return f"it does not answer ({type(error).__name__}): the log says why"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    return f"{missing} migrations are not applied: run manage.py migrate" if missing else "ok"


def _broker() -> str:
    return "ok" if parts.broker_answers() else "the broker does not answer: see REDIS_URL"


def _set_up() -> str:
    run = Path(settings.VAR_DIR) / "run"
    if (run / "restoring").exists():
        return "a restore is under way, or was killed: run manage.py restore again"
    pending = run / "setting-up"
    return "the first start is still under way" if pending.exists() else "ok"


CHECKS = {"database": _database, "migrations": _migrations, "broker": _broker, "set-up": _set_up}
