"""How do AUC and GAUC move with rounds 0, 1 and 2, with human-approved text, and with the planted truth itself?

    python -m benchmarks.refinement [--end-users 200] [--seeds 5] [--stages 0,1,2,human,truth,start]

The sample catalog, whose truth is planted (recommender/catalogs/sample). Rounds about all end users and all films run
through a real worker with the embedded demonstration models, 2 refinements, window `prefix`. What they had proposed
after 0, 1 and 2 refinements is read from the stored turns (`evaluate --proposals N`). Then benchmarks/annotator.py,
who knows the truth, decides every review through the product's own services, overrides go back to the actor, and what
is in force at the end is evaluated as *human*. *truth*: the planted taste in words, for the same subjects, from the
same moments on; *start*: the same words, known from the start. Each stage is compared with the model without
knowledge and with the same texts dealt to other subjects; all fits have the same rows, seeds and draws. With --end-
users above 200 the same world has more people in it. The last line is one JSON object.
"""

import argparse
import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.scratch import own_database

ROOT = Path(__file__).resolve().parent.parent
STAGES = {"0": "0 refinements", "1": "1 refinement", "2": "2 refinements", "human": "human-approved",
          "truth": "planted truth, same moments", "start": "planted truth, from the start"}  # fmt: skip
METRICS = ("auc", "gauc")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--end-users", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--var", type=Path, help="keep the folder R4_VAR here instead of a temporary one")
    options = parser.parse_args()
    from tests.servers import free_port, running_valkey

    with ExitStack() as stack:
        port = free_port()
        said = {"R4_ENDPOINT_PORT": str(port), "R4_LOG_LEVEL": "WARNING", "R4_REFINEMENTS": "2"}
        broker = stack.enter_context(running_valkey())
        var = stack.enter_context(own_database(options.var, REDIS_URL=broker, **said))
        print(json.dumps(measure(stack, options, port, var)))


def measure(stack: ExitStack, options: argparse.Namespace, port: int, var: Path) -> dict[str, Any]:
    from benchmarks.annotator import Annotator
    from benchmarks.planted import Planted
    from benchmarks.rounds import start
    from recommender.catalogs.sample import generate, truth
    from recommender.models import Account, Catalog, Role
    from recommender.rounds.config import OpenConfig
    from recommender.rounds.service import open_rounds

    began = time.monotonic()
    tastes = (
        list(truth.tastes())
        if options.end_users == generate.END_USERS
        else generate.make_tastes(truth.films(), options.end_users)
    )
    load(var, tastes)
    catalog = Catalog.objects.get()
    planted = Planted(tastes)
    start(stack, "worker.endpoint", "--port", str(port))
    start(
        stack, "celery", "--app", "r4web", "worker", "--queues", "llm", "--pool", "threads", "--concurrency", "2",
        "--without-gossip", "--without-mingle", "--loglevel", "ERROR",
    )  # fmt: skip
    open_rounds(catalog, OpenConfig(subjects="all"))
    rested = wait(catalog)
    truths = {n: statements(planted, catalog, refinements=n) for n in (0, 1, 2)}
    asked = [stage for stage in STAGES if stage in options.stages.split(",")]
    found = {stage: evaluate(catalog, stage, options, var, planted) for stage in asked if stage in "012"}
    annotator = Annotator(planted, Account.objects.create_user("annotator", role=Role.ANNOTATOR))
    if "human" in asked:
        while annotator.work():
            wait(catalog)
        truths["human"] = statements(planted, catalog, refinements=None)
    found |= {stage: evaluate(catalog, stage, options, var, planted) for stage in asked if stage not in found}
    report = {
        "benchmark": "refinement",
        "end_users": options.end_users,
        "seeds": options.seeds,
        "rest_reasons": rested,
        "decisions": dict(annotator.made),
        "true_statements": truths,
        "stages": compare(found, options.seeds),
        "seconds": round(time.monotonic() - began),
    }
    show(report)
    return report


def load(var: Path, tastes: list[Any]) -> None:
    """Import the catalog: as shipped, or with as many people of the same kind."""
    from django.core.management import call_command

    from recommender.catalogs.importers.sample import DEFAULTS
    from recommender.catalogs.sample import generate, truth

    if len(tastes) == generate.END_USERS:
        call_command("import_catalog", "sample", "--format", "sample", stdout=sys.stderr)
        return
    films = truth.films()
    rows = {
        "items": [
            {"item_id": f.item_id, "title": f.title, "genres": list(f.genres), "year": f.year, "director": f.director,
             "country": f.country} for f in films
        ],
        "end_users": [{"user_id": t.user_id} | generate.end_user_attributes(n) for n, t in enumerate(tastes, 1)],
        "interactions": [
            {"user_id": w.user_id, "item_id": w.item_id, "rating": w.rating, "timestamp": w.moment}
            for w in generate.interactions(films, tastes, truth.appeal())
        ],
    }  # fmt: skip
    for name, of in rows.items():
        (var / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in of))
    call_command(
        "import_catalog", "sample", str(var / "interactions.jsonl"), "--format", "jsonl",
        "--items", str(var / "items.jsonl"), "--end-users", str(var / "end_users.jsonl"),
        "--item-noun", DEFAULTS.item_noun, "--attributes", ",".join(DEFAULTS.prompt_attributes), stdout=sys.stderr,
    )  # fmt: skip


def wait(catalog: Any) -> dict[str, int]:
    """Until every round rests; why they do."""
    from recommender.rounds.queries import progress

    deadline = time.monotonic() + 900
    while not (now := progress(catalog.rounds.all())).finished:
        if time.monotonic() > deadline:
            sys.exit(f"{now.total - now.done} rounds do not rest: {now.last_error or 'no worker took them'}")
        time.sleep(0.2)
    if now.failed:
        sys.exit(f"{now.failed} rounds failed.")
    return now.rest_reasons


def statements(planted: Any, catalog: Any, *, refinements: int | None) -> dict[str, Any]:
    """By kind of subject: texts, their statements about tastes, the share of those that is true, and of texts without
    a false one."""
    from benchmarks.planted import About, judged
    from recommender.knowledge.proposals import as_proposed, in_force

    texts = in_force(catalog) if refinements is None else as_proposed(catalog, refinements=refinements)
    names = {
        "user_id": dict(catalog.end_users.values_list("pk", "external_id")),
        "item_id": dict(catalog.items.values_list("pk", "external_id")),
    }
    counts = {kind: {"texts": 0, "statements": 0, "true": 0, "faultless": 0} for kind in ("end_users", "items")}
    for one in texts:
        key, pk = ("item_id", one.item_id) if one.item_id else ("user_id", one.end_user_id)
        of = judged(planted, About(**{key: names[key][pk]}), one.texts[0], one.evidence)
        true, false = ([s for s in some if s.aspect != "item"] for some in (of.true, of.false))
        kind = counts["items" if one.item_id else "end_users"]
        for name, more in (
            ("texts", 1),
            ("statements", len(true) + len(false)),
            ("true", len(true)),
            ("faultless", not of.wrong),
        ):
            kind[name] += more
    return {kind: c | {"true_share": round(c["true"] / max(1, c["statements"]), 3)} for kind, c in counts.items()}


def evaluate(catalog: Any, stage: str, options: argparse.Namespace, var: Path, planted: Any) -> Any:
    """The folder of the evaluation's fits."""
    from recommender.artifacts import files
    from recommender.evaluation import service
    from recommender.evaluation.arms import BASE, Study
    from recommender.models import RunState
    from recommender.recipe import KNOWLEDGE
    from recommender.runs import service as runs
    from recommender.runs.kinds import EVALUATION

    texts: dict[str, Any] = {}
    if stage in ("0", "1", "2"):
        texts = {"proposals": True, "refinements": int(stage)}
    elif stage != "human":
        texts = {"knowledge_file": str(truth_file(catalog, stage, var, planted))}
    first = not any(catalog.evaluations.values_list("pk"))
    study = Study(arms=((BASE,) if first else ()) + (KNOWLEDGE, "shuffled"), seeds=options.seeds, **texts)
    began = time.monotonic()
    asked = runs.request(EVALUATION, queue=False, catalog=catalog, config=study.to_json())
    runs.run(EVALUATION, asked.pk, service.carry_out)
    asked.refresh_from_db()
    if asked.state != RunState.DONE:
        sys.exit(f"{asked}: {asked.error}")
    print(f"{STAGES[stage]}: {asked.facts['texts']} texts, {time.monotonic() - began:.0f} s", file=sys.stderr)
    return files.folder_of_evaluation(asked)


def truth_file(catalog: Any, stage: str, var: Path, planted: Any) -> Path:
    """The planted truth about everybody who has a round, in the form of export_knowledge."""
    from django.core.management import call_command

    from benchmarks.planted import About

    path = var / f"{stage}.jsonl"
    call_command("export_knowledge", catalog.name, "--proposals", "2", "--out", str(path), stdout=sys.stderr)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["text"] = planted.text(About(**{name: line[name] for name in ("user_id", "item_id") if name in line}))
        if stage == "start":
            del line["as_of"], line["shown"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def compare(folders: dict[str, Any], seeds: int) -> dict[str, Any]:
    """By stage and history: AUC and GAUC, and what they gain, with intervals, over the model without knowledge, the
    texts of others, and the stage before."""
    from recommender.dataset.histories import HISTORIES
    from recommender.evaluation import storing
    from recommender.evaluation.figures import ALL, FitKey, Key
    from recommender.measures.bootstrap import of_draws

    def drawn(stage: str, arm: str) -> list[Any]:
        return [storing.load_draws(folders[stage], FitKey("din", arm, seed)) for seed in range(1, seeds + 1)]

    def said(key: Any, runs: list[Any], against: list[Any] | None = None) -> list[float]:
        other = None if against is None else [run[key] for run in against]
        found = of_draws([run[key] for run in runs], against=other)
        return [round(value, 4) for value in (found.estimate, found.low, found.high)]

    stages = list(folders)
    base = drawn(stages[0], "base")
    keys = [Key(history, ALL, metric) for history in HISTORIES for metric in METRICS]
    table = {"none": {f"{key.history} {key.metric}": {"value": said(key, base)} for key in keys}}
    for stage in stages:
        own, shuffled = drawn(stage, "knowledge"), drawn(stage, "shuffled")
        table[stage] = {
            f"{key.history} {key.metric}": {
                "value": said(key, own),
                "over base": said(key, own, base),
                "over shuffled": said(key, own, shuffled),
                **({"over 0": said(key, own, drawn("0", "knowledge"))} if stage != "0" and "0" in stages else {}),
            }
            for key in keys
        }
    return table


def show(report: dict[str, Any]) -> None:
    for stage, of in report["true_statements"].items():
        print(f"true statements, {STAGES[str(stage)]}: {of}")
    print(f"decisions: {report['decisions']}; rounds rest: {report['rest_reasons']}")
    for stage, row in report["stages"].items():
        print(STAGES.get(stage, "without knowledge"))
        for key, cells in row.items():
            said = (f"{name} {v[0]:+.4f} [{v[1]:+.4f}, {v[2]:+.4f}]" for name, v in cells.items())
            print(f"  {key:16}", "   ".join(said))


if __name__ == "__main__":
    main()
