"""Of schemathesis, in a process of its own: what is to be right is made so, and what was answered is counted."""

import json
import os
import random
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import schemathesis

from benchmarks.fuzzing.right import CATALOG, make_right

LONGEST_ADDRESS = 60_000
ELSEWHERE = 0.1  # of the requests stay about a catalog that is made up
chance = random.Random(0)


@schemathesis.hook
def filter_case(context: Any, case: schemathesis.Case) -> bool:
    """Longer addresses the web server refuses itself (414): none of them reaches the application."""
    return len(urlencode(case.query or {}, doseq=True, errors="replace")) < LONGEST_ADDRESS


@schemathesis.hook
def before_call(context: Any, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """`kwargs`: of requests, untouched."""
    if "catalog" in (case.path_parameters or {}) and chance.random() >= ELSEWHERE:
        case.path_parameters["catalog"] = CATALOG
    make_right(case)


@schemathesis.hook
def after_call(context: Any, case: schemathesis.Case, response: schemathesis.Response) -> None:
    phase = case.meta.phase.name.value if case.meta else ""
    row = [phase, case.operation.definition.raw["operationId"], response.status_code]
    with Path(os.environ["R4_FUZZING_CALLS"]).open("a") as calls:
        calls.write(f"{json.dumps(row)}\n")
