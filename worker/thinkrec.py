"""How ThinkRec's tuning is carried out, in a training worker or in the command `tune_thinkrec`; a lost one goes on."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recommender.dataset.interactions import read_interactions
from recommender.dataset.named import codes_of
from recommender.models import ThinkrecRun
from recommender.runs.errors import CannotRunError
from recommender.runs.recorder import Recorder
from recommender.thinkrec.ablation import left_out
from recommender.thinkrec.evaluation.explanations import apart
from recommender.thinkrec.tuning import rows, service
from recommender.thinkrec.tuning.config import ADAPTER, GROUPS, CannotTuneThinkrecError, ThinkrecConfig
from recommender.tuning.writing import sha256_of

if TYPE_CHECKING:
    from recommender.thinkrec.tuning.stages import Data


def carry_out(run: ThinkrecRun, recorder: Recorder) -> None:
    """Build the rows, tune what is left of the stages, and register it. Raises CannotRunError."""
    from recommender.thinkrec.tuning.stages import tune  # noqa: PLC0415 - torch: only where it computes

    service.clear_ended(run.catalog)
    config, part = ThinkrecConfig.from_json(run.config), service.part_of(run)
    try:
        recorder.at("reading", 0, 1)
        data = _data(run, config, part / service.INPUTS)
        metrics = tune(data, part / service.MADE, config=config, observer=lambda told: _show(recorder, told))
        _describe(run, part / service.MADE, config, metrics)
        service.register(run, metrics)
    except CannotRunError:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _data(run: ThinkrecRun, config: ThinkrecConfig, inputs: Path) -> "Data":
    from recommender.thinkrec.tuning.projector import Vectors  # noqa: PLC0415 - torch
    from recommender.thinkrec.tuning.stages import Data  # noqa: PLC0415 - torch

    catalog, traces, vectors = run.catalog, inputs / service.TRACES, inputs / service.VECTORS
    interactions = read_interactions(catalog)
    codes = codes_of(config.split, interactions, catalog.clock)
    told = rows.read_traces(traces) if traces.is_file() else ()
    return Data(
        rows.build(interactions, codes, told, tags=config.tags, apart=apart(catalog), grows=config.grows),
        rows.Prompts(
            rows.shown_items(catalog, keywords="keywords" not in left_out(config.without)),
            catalog.item_noun,
            catalog.ordered,
        ),
        Vectors.read(vectors) if vectors.is_file() else None,
        _groups(inputs / service.GROUPS_OF),
        service.folder_of(run.after) / ADAPTER if run.after else None,
        service.folder_of(run.after) / GROUPS if run.after and config.stage == "new-groups" else None,
        run.adapter_name,
    )


def _groups(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        return {str(name): str(group) for name, group in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, AttributeError) as error:
        raise CannotTuneThinkrecError("The groups must be one JSON object, from each user to a group.") from error


def _show(recorder: Recorder, told: dict[str, Any]) -> None:
    if "step" not in told:
        if told["stage"] == "loading":
            recorder.at("loading", 0, 1)
        recorder.alive()
        return
    recorder.progress |= {"tokens": told["tokens"], "seconds_left": round(told["seconds_left"])}
    cost = f"{told['tokens']:,} tokens at {told['tokens_per_second']:,.0f} a second"
    seconds = told["seconds_left"]
    left = f"all stages at most {f'{seconds / 60:,.0f} min' if seconds > 120 else f'{seconds:.0f} s'} more"
    recorder.at(_stage(told["stage"]), told["step"], told["of"], f"loss {told['loss']:.4f}, {cost}, {left}")


def _stage(name: str) -> str:
    """A stage as it is told people: group-2 is what a grouping calls its second one."""
    group = name.removeprefix("group ")
    return name if group == name else f"tuning for group {group.removeprefix('group-')}"


def _describe(run: ThinkrecRun, made: Path, config: ThinkrecConfig, metrics: dict[str, Any]) -> None:
    files = sorted(path for path in made.rglob("*") if path.is_file() and path.name != "thinkrec.json")
    described = {
        "name": run.adapter_name,
        "config": config.to_json(),
        "metrics": metrics,
        "versions": {name: version(name) for name in ("torch", "transformers", "peft")},
        "files": {str(path.relative_to(made)): sha256_of(path) for path in files},
    }
    (made / "thinkrec.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
