import json
import subprocess
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from recommender.catalogs.importers.report import EXAMPLES_OF_REASON
from recommender.models import Catalog
from tests.recommender.catalogs.importers.files import DATA, rows

TABLES = DATA / "tables"


def _run(*arguments: Any) -> str:
    out = StringIO()
    call_command("import_catalog", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.django_db
def test_json_has_the_totals_what_changed_and_how_long_it_took() -> None:
    found = json.loads(_run("films", DATA / "movielens-100k", "--format", "movielens-100k", "--json"))
    assert {kind: found[kind] for kind in ("items", "end_users", "interactions", "rejected")} == {
        "items": 4,
        "end_users": 3,
        "interactions": 5,
        "rejected": 0,
    }
    assert found["created"] == {"items": 4, "end_users": 3, "interactions": 5}
    assert found["seconds"] > 0


@pytest.mark.django_db
def test_the_report_names_rejected_lines_and_counts_reasons(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    bad = "".join(f"a,m1,{rating},1\n" for rating in range(6, 46))
    path.write_text(f"user_id,item_id,rating,timestamp\na,m1,5,1\n{bad}a,m2,x,1\n")
    log = tmp_path / "rejections.jsonl"
    text = _run("films", path, "--format", "csv", "--items", TABLES / "items.csv", "--rejections", log)
    assert "rejected rows: 41" in text
    assert "40  many.csv: rating outside the scale 1 to 5" in text
    assert "line 3: '6'" in text
    assert text.count("  line ") == EXAMPLES_OF_REASON + 1
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(logged) == 41
    assert logged[-1] == {"file": "many.csv", "line": 43, "reason": "rating is not a number", "found": "'x'"}


@pytest.mark.django_db
def test_columns_and_settings_come_from_the_command_line() -> None:
    _run(
        "films", DATA / "labels" / "events.csv", "--format", "csv", "--items", TABLES / "items.csv",
        "--map", "user_id=person,item_id=film,order=seen,label=verdict",
        "--item-noun", "film", "--attributes", "genres,year", "--like-threshold", "3.5",
    )  # fmt: skip
    catalog = Catalog.objects.get()
    assert (catalog.item_noun, catalog.prompt_attributes, catalog.like_threshold) == ("film", ["genres", "year"], 3.5)
    assert len(rows()) == 5


@pytest.mark.django_db
def test_the_sample_needs_no_path_and_other_formats_do() -> None:
    assert "New catalog sample" in _run("sample", "--format", "sample")
    with pytest.raises(CommandError, match="--format csv needs a PATH"):
        _run("films", "--format", "csv")


@pytest.mark.django_db
def test_options_that_a_format_has_no_use_for_are_refused() -> None:
    with pytest.raises(CommandError, match="no use for --items, --map"):
        _run("films", DATA / "movielens-1m", "--format", "movielens-1m", "--items", "x", "--map", "rating=stars")
    with pytest.raises(CommandError, match="no use for PATH"):
        _run("sample", DATA, "--format", "sample")


@pytest.mark.django_db
def test_a_k_core_is_reported() -> None:
    text = _run("books", DATA / "amazon-2018", "--format", "amazon", "--k-core", 2)
    assert "left out by k-core: 1 interactions" in text


def _fails(done: subprocess.CompletedProcess[str], sentence: str) -> None:
    assert done.returncode == 1, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.once
def test_failures_are_one_sentence_and_an_exit_code(
    manage: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = manage("import_catalog", "films", str(tmp_path / "nowhere"), "--format", "movielens-1m")
    _fails(done, "There is no file or folder")
    empty = tmp_path / "empty.csv"
    empty.touch()
    done = manage("import_catalog", "films", str(empty), "--format", "csv", "--json")
    _fails(done, "empty.csv is empty.")
    assert json.loads(done.stdout)["error"] == "empty.csv is empty."
    done = manage("import_catalog", "films", str(TABLES), "--format", "csv", "--map", "rating")
    assert done.returncode == 2
    assert "not FIELD=COLUMN" in done.stderr
    assert not Catalog.objects.exists()


@pytest.mark.once
def test_bars_stay_away_where_nobody_watches(manage: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = manage("import_catalog", "films", str(TABLES), "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "4 interactions" in done.stdout
