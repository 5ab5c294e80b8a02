"""Every case of ../shared/cases and the attack set, tried now: what happened once, what happens, right or wrong.

    python -m benchmarks.cases [--cases FOLDER] [--only imports|endpoint|attacks]

Imports go into a new SQLite database; each mode of the misbehaving endpoint gets two rounds; the attack set is the
suite's own tests. Prints a table and one JSON object, and exits with 1 if anything is wrong. A file or a mode that is
not told here is wrong.
"""

import argparse
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
BOOKS = "--no-order --item-noun book"
GOODBOOKS = f"--items goodbooks-books.csv {BOOKS} --map item_id=book_id --item-map item_id=book_id"
BX = f"--items BX-Books.csv {BOOKS} --delimiter ; --escape \\ --encoding latin-1 --rating-max 10 --like-threshold 6"
BX += " --map user_id=User-ID,item_id=ISBN,rating=Book-Rating --item-map item_id=ISBN,title=Book-Title"
STRAY, TRACEBACK = "990 of 1,000 rows gone", "a traceback"
NO_COLUMN, NO_ID = "“has no column 'user_id'”", "every row “no end user id”"
TOO_FAR = "timestamp too far off to be told"
OPTIONS = "read with three options nobody tells"


@dataclass(frozen=True, slots=True)
class Told:
    """An import: its command without names, what came of it once, and what is right.

    `right`: interactions and rejected rows, or words of the refusal; `says`: words that the report holds too.
    """

    command: str
    before: str
    right: tuple[int, int] | str
    says: str = ""


IMPORTS = {
    "unclosed-quote/r.csv": Told("--format csv --items items.csv", "read", (12, 0)),
    "unclosed-quote/r-stray.csv": Told("--format csv --items items.csv", STRAY, (999, 1), "line 12"),
    "parquet-types/ns.parquet": Told("--format parquet --items items.csv", TRACEBACK, (4, 0)),
    "parquet-types/int96.parquet": Told("--format parquet --items items.csv", TRACEBACK, (4, 0)),
    "parquet-types/us-oddtz.parquet": Told("--format parquet --items items.csv", TRACEBACK, (4, 0)),
    "parquet-types/far.parquet": Told("--format parquet --items items.csv", TRACEBACK, TOO_FAR),
    "parquet-types/binary-ids.parquet": Told("--format parquet --items items.csv", NO_ID, (4, 0)),
    "parquet-types/decimal-ids.parquet": Told("--format parquet --items items.csv", NO_ID, (4, 0)),
    "parquet-types/items-nested.parquet": Told("--format csv --items", TRACEBACK, (12, 0)),
    "jsonl-first-line": Told("--format jsonl", "attributes and ratings of later lines lost", (3, 0)),
    "movies-utf8": Told("--format movielens-1m", "MisÃ©rables", (9, 0), "read as UTF-8"),
    "compressed/r.csv.gz": Told("--format csv --items items.csv", "read", (12, 0)),
    "compressed/r.csv.bz2": Told("--format csv --items items.csv", NO_COLUMN, (12, 0)),
    "compressed/r.csv.zst": Told("--format csv --items items.csv", NO_COLUMN, (12, 0)),
    "compressed/utf16.csv": Told("--format csv --items items.csv", NO_COLUMN, (12, 0)),
    "ml-latest": Told("--format movielens-latest", OPTIONS, (12, 0)),
    "ml-10m": Told("--format movielens-10m", OPTIONS, (9, 0)),
    "books/goodbooks-ratings.csv": Told(f"--format csv {GOODBOOKS}", "no recipe: no time", (4, 0), "No order is known"),
    "books/BX-Book-Ratings.csv": Told(f"--format csv {BX}", "no recipe: no time, ;, \\", (2, 1), "No order is known"),
}  # fmt: skip
NOT_ALONE = {"items.csv", "goodbooks-books.csv", "BX-Books.csv"}  # read beside another file of their folder
INTO_CASES = {"parquet-types/items-nested.parquet": "unclosed-quote/r.csv"}  # the interactions that go with these items

LONGEST = 100  # characters of what an endpoint's round says

MODES_BEFORE = {
    "usage-negative": "nothing stored, asked for at every sweep",
    "usage-text": "failed its neighbours in the batch",
    **dict.fromkeys(["content-parts", "content-int", "id-int"], "“Internal error”, nothing stored"),
    **dict.fromkeys(["or-429", "or-429-once", "empty-choices-once", "truncated"], "permanent, as a wrong address"),
    **dict.fromkeys(["no-max-tokens", "no-top-p", "no-system"], "cannot be used"),
    **dict.fromkeys(["gemini-schema", "extra-forbidden", "strict-schema", "schema-500-vague"], "failed"),
    **dict.fromkeys(["reasoning-content", "reflector-reasoning-content"], "an empty answer"),
    **dict.fromkeys(["harmony", "answer-tag", "thought-process", "eos"], "thinking in the text, as reasonable"),
    **dict.fromkeys(["refusal", "content-filter", "tool-calls"], "an empty answer, without its words"),
    "persian": "“not ordinary words”",
    "redirect": "followed",
    **dict.fromkeys(["hang", "hang-reflector"], "asked one by one"),
}
ATTACKS = {  # test: what it tries, and what happened once
    "test_in_a_prompt_it_is_data": ("in prompts", "braces and marks as they were"),
    "test_an_honest_answer_that_quotes_it_is_read_as_it_is": ("in answers", "10 of 61 replaced, 3 of 26 flipped"),
    "test_people_are_told_that_it_speaks_to_a_model": ("told on the card", "not told"),
    "test_from_the_import_to_every_page": ("import → rounds → card → REST", "texts replaced"),
    "test_a_row_says_who_speaks": ("in training rows", "braces, tags and marks as they were"),
    "test_every_export_of_an_attacked_catalog": ("decisions and teacher → exports", "not tried"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tried:
    case: str
    before: str
    after: str
    right: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, default=ROOT.parent / "shared" / "cases")
    parser.add_argument("--only", choices=["imports", "endpoint", "attacks"])
    options = parser.parse_args()
    started, found = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="r4-cases-") as folder:
        if not options.cases.is_dir():
            print(f"Skipped: {options.cases} is not here. Give the folder of the cases with --cases FOLDER.\n")
        elif options.only != "attacks":
            _set_up(Path(folder))
            if options.only != "endpoint":
                found += imports(options.cases.resolve() / "imports")
            if options.only != "imports":
                found += endpoint(options.cases.resolve() / "endpoint" / "hostile.py")
        if options.only in (None, "attacks"):
            found += attack_set(Path(folder))
    print(table(found))
    wrong = [one.case for one in found if not one.right]
    print(f"\n{len(found) - len(wrong)} of {len(found)} right, {time.monotonic() - started:.0f} s.\n")
    report = {"benchmark": "cases", "tried": len(found), "wrong": wrong}
    print(json.dumps(report | {"cases": [asdict(one) for one in found]}))
    sys.exit(bool(wrong))


def table(found: list[Tried]) -> str:
    lines = ["| case | before | now | |", "| --- | --- | --- | --- |"]
    for one in found:
        cells = (one.case, one.before, one.after, "right" if one.right else "**wrong**")
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines)


def _set_up(folder: Path) -> None:
    os.environ.update(
        R4_VAR=str(folder), R4_SECRET_KEY="cases", R4_LOG_LEVEL="CRITICAL", DJANGO_SETTINGS_MODULE="tests.settings",
        DATABASE_URL=f"sqlite:///{folder / 'cases.sqlite3'}",
    )  # fmt: skip
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def imports(folder: Path) -> Iterator[Tried]:
    """Every file and folder of imports; the database must be there."""
    whole = {name for name in IMPORTS if "/" not in name}  # folders that are one import
    there = {path.name for path in folder.iterdir()} & whole
    for path in folder.glob("*/*"):
        if path.parent.name not in whole and path.name not in NOT_ALONE:
            there.add(f"{path.parent.name}/{path.name}")
    for number, name in enumerate(sorted(there | set(IMPORTS))):
        told = IMPORTS.get(name)
        if told is None or not (folder / name).exists():
            yield Tried(f"imports/{name}", "", "not told here" if told is None else "not there", right=False)
            continue
        yield _imported(f"case-{number}", folder, name, told)


def _imported(catalog: str, folder: Path, name: str, told: Told) -> Tried:
    from django.core.management import CommandError, call_command

    path = folder / INTO_CASES.get(name, name)
    arguments = told.command.split()
    if "--items" in arguments:
        place = arguments.index("--items") + 1
        if name in INTO_CASES:
            arguments.insert(place, str(folder / name))
        else:
            arguments[place] = str((folder / name).parent / arguments[place])
    said = io.StringIO()
    try:
        call_command("import_catalog", catalog, str(path), *arguments, "--json", stdout=said)
    except CommandError as error:
        refused = isinstance(told.right, str) and told.right in str(error)
        return Tried(f"imports/{name}", told.before, f"refused: {str(error).split(': ')[-1][:90]}", refused)
    except Exception as error:
        return Tried(f"imports/{name}", told.before, f"{type(error).__name__}: {error}", right=False)
    report = json.loads(said.getvalue())
    notes = [*report["notes"], *(f"{r['file']} line {r['line']}: {r['reason']}" for r in report["rejections"][:2])]
    after = f"{report['interactions']:,} rows, {report['rejected']} rejected. {' '.join(notes)}".strip()
    right = (report["interactions"], report["rejected"]) == told.right and told.says in after
    return Tried(f"imports/{name}", told.before, after, right)


def endpoint(script: Path) -> Iterator[Tried]:
    """Every mode of the misbehaving endpoint; the database must be there."""
    import pytest
    from django.conf import settings

    from recommender.llm import learned
    from tests.worker.rounds import test_hostile_endpoints as modes

    with pytest.MonkeyPatch.context() as patch, modes.misbehaving(script) as port:
        modes.impatient(patch)
        for mode in sorted(modes.modes_of(script) | set(modes.MODES)):
            case, before = f"endpoint/{mode}", MODES_BEFORE.get(mode, "not told")
            if mode not in modes.MODES:
                yield Tried(case, before, "not told in tests/worker/rounds/test_hostile_endpoints.py", right=False)
                continue
            settings.LLM = modes.endpoints(mode, port)
            learned.forget()
            end, said, wrong = modes.tried(mode)
            said = re.sub(r"Gave up after .*? last error: |The \w+ endpoint http\S+ ", "", " ".join(said.split()))
            after = f"{end}: {said[:LONGEST]}" if said else end
            yield Tried(case, before, "; ".join([after, *wrong]), not wrong)


def attack_set(folder: Path) -> Iterator[Tried]:
    """The suite's own tests of the attack set, in a process of their own."""
    from tests import attacks

    report = folder / "attacks.xml"
    tests = ["tests/test_attacks.py", "tests/test_attacks_in_exports.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests]
    outside = ("DATABASE_URL", "R4_VAR", "R4_SECRET_KEY", "R4_LOG_LEVEL", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if name not in outside}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if not report.is_file():
        yield Tried("attacks", "", f"the tests did not run: {done.stdout[-200:]}", right=False)
        return
    counted: dict[str, Counter[str]] = {name: Counter() for name in ATTACKS}
    for case in ElementTree.parse(report).iter("testcase"):
        name = str(case.get("name")).split("[")[0]
        if name in counted:
            bad = any(case.find(kind) is not None for kind in ("failure", "error"))
            counted[name]["skipped" if case.find("skipped") is not None else "wrong" if bad else "right"] += 1
    for name, (what, before) in ATTACKS.items():
        count: Any = counted[name]
        total = sum(count.values())
        of = f"{len(attacks.ALL)} strings" if total == len(attacks.ALL) else "1 try" if total == 1 else f"{total} tries"
        after = f"{of}, {count['wrong']} wrong" + (f", {count['skipped']} skipped" if count["skipped"] else "")
        yield Tried(f"attacks: {what}", before, after, total > 0 and count["right"] == total)


if __name__ == "__main__":
    main()
