"""The files of an export, read as LLaMA-Factory and TRL read them, without either."""

import hashlib
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from recommender.models import Catalog
from reviews.models import Verdict
from tests.builders import make_catalog, make_end_user, make_item
from tests.reviews.lessons.test_rows import decided, refined_review

pytestmark = pytest.mark.django_db
SFT = ("reason", "reflect", "refine")


@pytest.fixture
def catalog() -> Catalog:
    """One of everything."""
    catalog = make_catalog("films")
    decided(refined_review(make_end_user(catalog)), Verdict.APPROVE)
    decided(refined_review(make_item(catalog)), Verdict.EDIT, text="Kind to é, 影 and “quotes”.")
    decided(refined_review(make_end_user(catalog)), Verdict.REJECT, reason="Not one title is named.")
    return catalog


def export(folder: Path, *options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("export_training_sets", "films", "--out", str(folder), "--json", *options, stdout=out)
    return dict(json.loads(out.getvalue()))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_manifest_counts_the_rows_and_knows_every_file(catalog: Catalog, tmp_path: Path) -> None:
    manifest = export(tmp_path / "sets", "--guideline", "2026-11")
    assert manifest == json.loads((tmp_path / "sets" / "manifest.json").read_text())
    assert manifest["rows"] == {
        "reason": 2,
        "reflect": 3,
        "refine": 1,
        "preference": 2,
        "kto": 2,
        "extract": 1,
        "polarity": 0,
        "trace": 0,
    }
    assert manifest["sources"] == {"human": {name: count for name, count in manifest["rows"].items() if count}}
    assert manifest["guideline_versions"] == ["2026-11"]
    assert set(manifest["licence"]) == {"data", "models", "people"}
    assert set(manifest["prompts"]) >= {"end_user/reason/v1", "item/reason/v1", "end_user/refine/v1"}
    on_disk = {str(path.relative_to(tmp_path / "sets")) for path in (tmp_path / "sets").rglob("*") if path.is_file()}
    assert {file["path"] for file in manifest["files"]} == on_disk - {"manifest.json"}
    for file in manifest["files"]:
        content = (tmp_path / "sets" / file["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])


def test_jsonl_and_parquet_hold_the_columns_that_trl_reads(catalog: Catalog, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    export(tmp_path / "sets", "--format", "jsonl", "parquet")
    columns = {name: {"prompt", "completion"} for name in SFT} | {
        "preference": {"prompt", "chosen", "rejected"},
        "kto": {"prompt", "completion", "label"},
    }
    for name, expected in columns.items():
        written = lines(tmp_path / "sets" / "jsonl" / f"{name}.jsonl")
        assert all(set(row) == expected | {"id", "statements", "struck", "provenance"} for row in written)
        table = pq.read_table(tmp_path / "sets" / "parquet" / f"{name}.parquet")
        assert table.to_pylist() == written
        assert [message["role"] for message in written[0]["prompt"]] == ["system", "user"]
    answers = [row["completion"] for row in lines(tmp_path / "sets" / "jsonl" / "reason.jsonl")]
    assert answers[1] == [{"role": "assistant", "content": "Kind to é, 影 and “quotes”."}]
    assert [row["label"] for row in lines(tmp_path / "sets" / "jsonl" / "kto.jsonl")] == [True, False]


@pytest.mark.parametrize("layout", ["sharegpt", "alpaca"])
def test_llama_factory_finds_every_column_that_its_dataset_info_names(
    catalog: Catalog, tmp_path: Path, layout: str
) -> None:
    export(tmp_path / "sets", "--format", layout)
    described = json.loads((tmp_path / "sets" / layout / "dataset_info.json").read_text())
    assert set(described) == {"r4_reason", "r4_reflect", "r4_refine", "r4_preference", "r4_kto", "r4_extract"}
    for name, entry in described.items():
        assert entry["formatting"] == layout
        assert entry.get("ranking", False) == (name == "r4_preference")
        for row in lines(tmp_path / "sets" / layout / entry["file_name"]):
            assert set(entry["columns"].values()) <= set(row)


def test_a_sharegpt_conversation_alternates_between_human_and_gpt(catalog: Catalog, tmp_path: Path) -> None:
    export(tmp_path / "sets", "--format", "sharegpt")
    (refine,) = lines(tmp_path / "sets" / "sharegpt" / "refine.jsonl")
    assert [message["from"] for message in refine["conversations"]] == ["human", "gpt"]
    assert refine["conversations"][1]["value"] == "Likes war films."
    pair, _ = lines(tmp_path / "sets" / "sharegpt" / "preference.jsonl")
    assert [message["from"] for message in pair["conversations"]] == ["human"]
    assert pair["chosen"] == {"from": "gpt", "value": "Likes war films."}
    assert pair["rejected"] == {"from": "gpt", "value": "Likes films."}
    assert [row["kto_tag"] for row in lines(tmp_path / "sets" / "sharegpt" / "kto.jsonl")] == [True, False]


def test_an_alpaca_row_is_instruction_input_output_and_system(catalog: Catalog, tmp_path: Path) -> None:
    export(tmp_path / "sets", "--format", "alpaca")
    (refine,) = lines(tmp_path / "sets" / "alpaca" / "refine.jsonl")
    assert set(refine) == {"instruction", "input", "output", "system", "id", "statements", "struck", "provenance"}
    assert (refine["input"], refine["output"]) == ("", "Likes war films.")
    assert "<critique>\nThat is too vague.\n</critique>" in refine["instruction"]


def test_exporting_again_makes_the_same_bytes(catalog: Catalog, tmp_path: Path) -> None:
    assert export(tmp_path / "sets") == export(tmp_path / "sets") == export(tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "sets"]


def test_a_folder_with_other_files_is_left_alone(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(CommandError, match="choose another folder"):
        export(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    "manifest", ['{"name": "A web app", "icons": []}', '{"files": [{"path": "app.js"}]}', "[]", "null", "not JSON"]
)
def test_a_manifest_of_something_else_marks_no_export(catalog: Catalog, tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    (tmp_path / "app.js").write_text("mine")
    with pytest.raises(CommandError, match=r"choose another folder\. Nothing was written or deleted"):
        export(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.js", "manifest.json"]


def test_what_a_person_put_into_an_export_is_not_deleted(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "sets"
    export(folder, "--format", "jsonl")
    note = folder / "jsonl" / "notes.md"
    for path in (note, folder / "link"):
        path.symlink_to(tmp_path) if path.name == "link" else path.write_text("mine")
        with pytest.raises(CommandError, match=f"holds .*{path.name}, which is no file of the export"):
            export(folder, "--format", "jsonl")
        path.unlink()
    with (folder / "jsonl" / "kto.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(CommandError, match=r"kto\.jsonl, which was changed"):
        export(folder, "--format", "jsonl")
    (folder / "jsonl" / "kto.jsonl").unlink()
    export(folder, "--format", "alpaca")
    assert sorted(path.name for path in folder.iterdir()) == ["alpaca", "manifest.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["sets"]


def test_an_unknown_catalog_is_named_with_those_there_are(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="known: films"):
        call_command("export_training_sets", "books", "--out", str(tmp_path / "sets"))


def test_nothing_decided_is_an_export_without_rows(tmp_path: Path) -> None:
    make_catalog("films")
    manifest = export(tmp_path / "sets")
    assert sum(manifest["rows"].values()) == 0
    assert manifest["files"] == []
