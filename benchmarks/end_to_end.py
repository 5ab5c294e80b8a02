"""The whole loop on ML-100k, through every real part, on PostgreSQL and a Redis-protocol server.

    python -m benchmarks.end_to_end [--data FOLDER] [--rounds 200] [--decisions 20] [--screenshots FOLDER]

Imports the catalog, starts `manage.py up` (web, workers, beat, embedded endpoint), runs end-user and item rounds
through Celery, makes decisions of all four kinds in a real Chromium by keyboard, rebuilds the backbone from the
approved knowledge, activates it, and fetches one explained recommendation. Prints what each part took and, as its
last line, one JSON object. DATABASE_URL and REDIS_URL name the servers; without them both are started for the run.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS
from tests.servers import free_port, running_postgres, running_valkey, wait_until

ROOT = Path(__file__).resolve().parent.parent
CATALOG = "ml-100k"
PASSWORD = "end to end, once"
PEOPLE = """
from recommender.models import Account, Role
from recommender.accounts.tokens import create_token
lead = Account.objects.create_user("lena", password={password!r}, role=Role.LEAD)
print(create_token("end-to-end", account=lead, per_minute=0)[1])
"""
EDIT = " The person also says so in plain words: checked against the history above."
CRITIQUE = "Too strong: say which titles speak against this, and mention what the person did not like."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "ml-100k")
    parser.add_argument("--rounds", type=int, default=200, help="of end users, and as many of items")
    parser.add_argument("--decisions", type=int, default=20)
    parser.add_argument("--screenshots", type=Path)
    options = parser.parse_args()
    with ExitStack() as stack:
        var = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="r4e2e-")))
        port = free_port()
        os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or stack.enter_context(running_postgres())
        os.environ["REDIS_URL"] = os.environ.get("REDIS_URL") or stack.enter_context(running_valkey())
        os.environ |= {"R4_VAR": str(var), "R4_PORT": str(port), "R4_ENDPOINT_PORT": str(free_port())}
        print(json.dumps(run(options, f"http://127.0.0.1:{port}", stack)))


def run(options: argparse.Namespace, address: str, stack: ExitStack) -> dict[str, Any]:
    manage("migrate", "--verbosity", "0")
    imported = told("import", manage_json("import_catalog", CATALOG, str(options.data), "--format", "movielens-100k"))
    key = manage("shell", "--verbosity", "0", "--command", PEOPLE.format(password=PASSWORD)).split()[-1]
    stack.enter_context(running(address))
    begun = time.monotonic()
    limit = ("--subjects", "all", "--limit", str(options.rounds), "--wait")
    rounds = told("rounds", manage_json("open_rounds", CATALOG, *limit) | {"wall_seconds": since(begun)})
    begun = time.monotonic()
    decided = decide_by_keyboard(address, options.decisions, options.screenshots)
    told("decisions", decided | {"wall_seconds": since(begun)})
    backbone = told("backbone", manage_json("train_backbone", CATALOG, "--activate"))
    served = told("recommendation", fetch(f"{address}/api/v1/catalogs/{CATALOG}/users/{example(decided)}", key))
    return {
        "benchmark": "end_to_end",
        "import": imported,
        "rounds": rounds,
        "decisions": decided,
        "backbone": backbone,
        "recommendation": {name: served[name] for name in ("source", "degraded", "backbone", "knowledge_snapshot")},
    }


def example(decided: dict[str, Any]) -> str:
    """An end user whose text was approved, so that the recommendation shows reviewed knowledge."""
    return next(name.removeprefix("End user ") for name in decided["approved"] if name.startswith("End user "))


@contextmanager
def running(address: str) -> Any:
    with tempfile.TemporaryFile() as output:
        up = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--no-demo"], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_until(lambda: answers(f"{address}/healthz/ready"), seconds=60, what="manage.py up")
            yield
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(30)


def decide_by_keyboard(address: str, count: int, screenshots: Path | None) -> dict[str, Any]:
    """Sign in, start reviewing, and decide `count` cards with keys alone: approve, edit, override, reject in turn."""
    made: dict[str, int] = {}
    approved: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("R4_CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{address}/sign-in/")
        page.keyboard.type("lena")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/")
        page.goto(f"{address}/reviews/")
        page.keyboard.press("n")
        page.wait_for_selector("#decision")
        for number, verdict in zip(range(count), cycle(["approve", "edit", "override", "reject"])):
            heading = page.inner_text("h1")
            if screenshots and number < 4:
                press(page, verdict, send=False)
                screenshots.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=screenshots / f"{number + 1}-{verdict}.png")
            before = page.locator("#review-card").get_attribute("data-review")
            press(page, verdict, send=True, opened=bool(screenshots) and number < 4)
            page.wait_for_function(
                "before => document.querySelector('#review-card')?.dataset.review !== before", arg=before
            )
            made[verdict] = made.get(verdict, 0) + 1
            if verdict in ("approve", "edit"):
                approved.append(heading)
        browser.close()
    return {"made": made, "approved": approved}


def press(page: Page, verdict: str, *, send: bool, opened: bool = False) -> None:
    if verdict == "approve":
        if send:
            page.keyboard.press("a")
            if page.locator("textarea[name=although]:focus").count():  # the evidence says otherwise: it asks why
                page.keyboard.type("They told us so themselves.")
                page.keyboard.press("Control+Enter")
        return
    if not opened:
        page.keyboard.press({"edit": "e", "override": "o", "reject": "x"}[verdict])
        page.keyboard.press("Control+End")
        page.keyboard.type({"edit": EDIT, "override": CRITIQUE, "reject": "Not what the history shows."}[verdict])
    if send:
        page.keyboard.press("Control+Enter")


def fetch(path: str, key: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{path}/recommendations?limit=3&explain=full", headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        listed: dict[str, Any] = json.load(answer)
    return listed


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def manage(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True
    )
    return done.stdout


def manage_json(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(manage(*arguments, "--json"))
    return found


def told(what: str, found: dict[str, Any]) -> dict[str, Any]:
    print(f"--- {what}\n{json.dumps(found, indent=2)[:6000]}", file=sys.stderr)
    return found


def since(begun: float) -> float:
    return round(time.monotonic() - begun, 1)


if __name__ == "__main__":
    main()
