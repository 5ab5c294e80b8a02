"""Which registered adapters a llama.cpp server can hold beside a base."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from recommender.llm.weights import NoWeightsError
from recommender.models import Catalog, RunState, TuningRun
from recommender.tuning import served, service
from recommender.tuning.config import TuneConfig
from tests.builders import make_catalog

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalog(settings: Settings, tmp_path: Path) -> Catalog:
    settings.VAR_DIR = tmp_path / "var"
    (tmp_path / "one.gguf").write_bytes(b"GGUF")
    (tmp_path / "other.gguf").write_bytes(b"GGUF")
    return make_catalog("films")


def registered(catalog: Catalog, base: object, **changes: Any) -> TuningRun:
    run = TuningRun.objects.create(
        catalog=catalog, role="actor", config=TuneConfig(base=str(base)).to_json(), state=RunState.DONE
    )
    run.artifact, run.metrics = f"films/{run.pk}", {"gguf": f"{run.adapter_name}.gguf"}
    for name, value in changes.items():
        setattr(run, name, value)
    run.save()
    folder = service.folder_of(run) / "adapter"
    folder.mkdir(parents=True)
    (folder / f"{run.adapter_name}.gguf").write_bytes(b"GGUF")
    return run


def test_the_adapters_of_a_base_are_found_in_the_order_of_their_runs(catalog: Catalog, tmp_path: Path) -> None:
    runs = [registered(catalog, tmp_path / name) for name in ("one.gguf", "other.gguf", "one.gguf")]
    found = served.adapters(str(tmp_path / "one.gguf"))
    assert [path.stem for path in found] == [runs[0].adapter_name, runs[2].adapter_name]
    assert all(path.is_file() for path in found)
    (tmp_path / "link.gguf").symlink_to(tmp_path / "other.gguf")
    assert [path.stem for path in served.adapters(str(tmp_path / "link.gguf"))] == [runs[1].adapter_name]


def test_what_is_not_done_has_no_gguf_or_lost_its_files_is_left_out(catalog: Catalog, tmp_path: Path) -> None:
    base = tmp_path / "one.gguf"
    registered(catalog, base, state=RunState.FAILED, artifact="")
    registered(catalog, base, metrics={"without_gguf": "llama.cpp has no name for it."})
    registered(catalog, tmp_path)  # a folder that transformers loads
    registered(catalog, tmp_path / "gone.gguf")
    lost = registered(catalog, base)
    (service.folder_of(lost) / "adapter" / f"{lost.adapter_name}.gguf").unlink()
    assert served.adapters(str(base)) == []


def test_a_base_that_is_no_gguf_is_refused(catalog: Catalog) -> None:
    with pytest.raises(NoWeightsError, match="no model known here"):
        served.adapters("Qwen/Qwen2.5-7B-Instruct")
