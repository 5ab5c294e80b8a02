"""What does tuning do for a real small LLM? SmolLM2 as actor and as reflector, before and after, on held-out people.

    python -m benchmarks.real_llm --folder FOLDER [--people 100] [--learners 200] [--minutes 30] [--speed 150]

People of the sample catalog's kind whose truth is planted (benchmarks/real_llm_data.py says what is true); learners
and held-out people are different ones. Training sets from the truth, in several wordings; one LoRA adapter a role by
the product's own job (`tuning.lora.tune`), with as many rows as `--minutes` allow at `--speed` tokens a second; base
and adapters on one llama.cpp server, chosen by name; the product's client, parsing and echo checks, and its reader of
statements. `--auc`: also what the texts of the held-out people add to AUC and GAUC.

Everything that is done is kept in FOLDER (training sets, adapters, every answer): the same command goes on from
there. The last line is one JSON object.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.scratch import own_database

ROLES = ("actor", "reflector")
ARMS = ("before", "after")
NAMES = {"actor": "real-actor-1", "reflector": "real-reflector-2"}
MOST_TOKENS = 100  # of an answer
CHARACTERS = 3.0  # of a token, about
KNOWLEDGE = 3  # seeds of --auc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--base", default="smollm2")
    parser.add_argument("--people", type=int, default=100, help="held out")
    parser.add_argument("--learners", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=30.0, help="of training a role")
    parser.add_argument("--speed", type=float, default=150.0, help="tokens that are learnt in a second here")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--auc", action="store_true")
    parser.add_argument("--tune", choices=ROLES, help="tune this role and end: two of them run side by side")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with own_database(R4_LOG_LEVEL="WARNING"):
        print(json.dumps(measure(options)))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks import real_llm_data as data

    everybody = data.people(3 * (options.people + options.learners))
    held_out = everybody[: options.people]
    learners = everybody[options.people : options.people + options.learners]
    if options.tune:
        return {options.tune: tune(options, options.tune, learners)}
    tuned = {role: tune(options, role, learners) for role in ROLES}
    with serve(options) as address:
        answered = {(role, arm): ask(options, address, role, arm, held_out) for role in ROLES for arm in ARMS}
    report: dict[str, Any] = {
        "benchmark": "real_llm",
        "base": options.base,
        "people": len(held_out),
        "tuned": tuned,
        "actor": {arm: of_texts(held_out, answered["actor", arm]) for arm in ARMS},
        "reflector": {arm: of_verdicts(held_out, answered["reflector", arm]) for arm in ARMS},
    }
    if options.auc:
        report["auc"] = gains(held_out, {arm: texts_of(answered["actor", arm]) for arm in ARMS})
    show(report)
    return report


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """What `make` gives, made once."""
    if not path.is_file():
        found = make()
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def tune(options: argparse.Namespace, role: Any, learners: Any) -> Any:
    """Metrics of a role's adapter; the adapter lies in FOLDER/ROLE/adapter."""
    folder = options.folder / role

    def really() -> dict[str, Any]:
        from recommender.tuning.config import TuneConfig
        from recommender.tuning.lora import tune

        rows = write_rows(options, role, learners, folder / "data")
        config = TuneConfig(
            base=options.base,
            epochs=1,
            learning_rate=options.learning_rate,
            batch_size=options.batch,
            cutoff=600,
            threads=options.threads,
        )
        began = time.monotonic()
        metrics = tune(folder / "data", folder / "adapter", config=config, role=role, name=NAMES[role], observer=say)
        return metrics | {"sets": rows, "minutes": round((time.monotonic() - began) / 60, 1)}

    folder.mkdir(exist_ok=True)
    return kept(folder / "metrics.json", really)


def say(progress: dict[str, Any]) -> None:
    if "step" in progress:
        print(f"step {progress['step']}/{progress['of']}: loss {progress['loss']:.3f}", file=sys.stderr, flush=True)


def write_rows(options: argparse.Namespace, role: Any, learners: Any, folder: Path) -> dict[str, int]:
    """Write as many of a role's rows as the minutes allow; how many there are of each set."""
    from benchmarks.real_llm_data import rows
    from recommender.tuning.config import SETS_OF
    from recommender.tuning.writing import write

    left, chosen = 60 * options.minutes * options.speed, []
    for row in rows(learners):
        if row.set not in SETS_OF[role]:
            continue
        left -= sum(map(len, [*(message["content"] for message in row.prompt), row.answer])) / CHARACTERS
        if left < 0:
            break
        chosen.append(row)
    return {name: count for name, count in write(chosen, folder, formats=["jsonl"])["rows"].items() if count}


@contextmanager
def serve(options: argparse.Namespace) -> Iterator[str]:
    """Base and adapters on one llama.cpp server in this process; its address."""
    import xllamacpp

    from recommender.llm import adapters
    from recommender.llm.weights import gguf_of

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(gguf_of(options.base))
    parameters.n_ctx, parameters.n_parallel = 2048, 1
    parameters.hostnames, parameters.port = ["127.0.0.1"], free_port()
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = options.threads
    adapters.hold(parameters, [options.folder / role / "adapter" / f"{NAMES[role]}.gguf" for role in ROLES])
    with closing(_Ended(xllamacpp.Server(parameters))) as server:
        yield f"{server.address}/v1"


class _Ended:
    def __init__(self, server: Any) -> None:
        self.server, self.address = server, server.listening_address

    def close(self) -> None:
        del self.server


def free_port() -> int:
    from tests.servers import free_port as free

    return free()


def ask(options: argparse.Namespace, address: str, role: Any, arm: str, held_out: Any) -> dict[str, Any]:
    """A role's answers about everybody, by name: {"text", "finish_reason"}."""
    from django.conf import settings

    from benchmarks.real_llm_data import asked_of_reflector, rendered
    from recommender.llm.client import OpenAiLlm

    path = options.folder / f"{role}.{arm}.jsonl"
    done = {}
    if path.is_file():
        done = {line["name"]: line for line in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    model = NAMES[role] if arm == "after" else options.base
    endpoint = {"base_url": address, "model": model, "max_tokens": MOST_TOKENS, "structured": "tags", "timeout": 600.0}
    settings.LLM = settings.LLM | {role: settings.LLM[role] | endpoint}
    prompts = {person.name: rendered(person.subject, "reason") for person in held_out}
    if role == "reflector":
        prompts = {
            person.name: rendered(person.subject, "reflect", rationale=one.text)
            for person, one in asked_of_reflector(held_out)
        }

    async def answers() -> None:
        async with OpenAiLlm(role) as llm:
            with path.open("a", encoding="utf-8") as into:
                for place, (name, prompt) in enumerate(prompts.items(), 1):
                    if name in done:
                        continue
                    answer = await llm.ask(prompt)
                    done[name] = {"name": name, "text": answer.text, "end": answer.parameters["finish_reason"]}
                    done[name] |= {"prompt_tokens": answer.prompt_tokens, "tokens": answer.completion_tokens}
                    into.write(json.dumps(done[name]) + "\n")
                    into.flush()
                    if place % 10 == 0:
                        print(f"{role} {arm}: {place}/{len(prompts)}", file=sys.stderr, flush=True)

    asyncio.run(answers())
    return {name: done[name] for name in prompts}


def parsed(answer: Any, prompt: Any, read: Callable[..., Any]) -> Any:
    """What the product reads in an answer; None where it is malformed."""
    from recommender.rounds.core.echoes import Asked
    from recommender.rounds.core.errors import MalformedAnswerError

    system, user = (message["content"] for message in prompt.messages)
    try:
        return read(answer["text"], finish_reason=answer["end"], asked=Asked(system, user))
    except MalformedAnswerError:
        return None


def texts_of(answers: dict[str, Any]) -> dict[str, str]:
    """By name, the actor's texts that the product takes."""
    return {name: answer["read"] for name, answer in answers.items() if answer["read"]}


def of_texts(held_out: Any, answers: dict[str, Any]) -> dict[str, Any]:
    """The actor's texts: how many are malformed, what is true of the rest, how many would be accepted as they are."""
    from functools import partial

    from benchmarks.real_llm_data import Grounding, rendered
    from recommender.rounds.core.parsing import parse_rationale

    grounding, true, said, accepted, silent = Grounding(), 0, 0, 0, 0
    for person in held_out:
        answer = answers[person.name]
        prompt = rendered(person.subject, "reason")
        answer["read"] = text = parsed(answer, prompt, partial(parse_rationale, subject_kind="end_user"))
        if text is None:
            continue
        found = grounding.judged(person, text)
        true, said = true + sum(found), said + len(found)
        accepted, silent = accepted + (bool(found) and all(found)), silent + (not found)
    malformed = sum(answer["read"] is None for answer in answers.values())
    of = len(answers)
    return {
        "malformed": share(malformed, of),
        "without_statement": share(silent, of),
        "statements": said,
        "true": share(true, said),
        "accepted_as_is": share(accepted, of),
        "words": share(sum(len((answer["read"] or "").split()) for answer in answers.values()), of - malformed),
    }


def of_verdicts(held_out: Any, answers: dict[str, Any]) -> dict[str, Any]:
    """The reflector's judgements of texts with and without a planted error; a malformed one finds nothing."""
    from benchmarks.real_llm_data import asked_of_reflector, rendered
    from recommender.rounds.core.parsing import parse_reflection

    found = {"wrong": 0, "right": 0, "malformed": 0}
    asked = asked_of_reflector(held_out)
    for person, one in asked:
        prompt = rendered(person.subject, "reflect", rationale=one.text)
        read = parsed(answers[person.name], prompt, parse_reflection)
        found["malformed"] += read is None
        if read is not None and read.verdict == "not_reasonable":
            found["wrong" if one.wrong else "right"] += 1
    planted = sum(bool(one.wrong) for _, one in asked)
    return {
        "texts": len(asked),
        "with_an_error": planted,
        "malformed": share(found["malformed"], len(asked)),
        "precision": share(found["wrong"], found["wrong"] + found["right"]),
        "recall": share(found["wrong"], planted),
        "falsely": share(found["right"], len(asked) - planted),
    }


def share(some: float, of: int) -> float | None:
    return round(some / of, 3) if of else None


def gains(held_out: Any, texts: dict[str, dict[str, str]]) -> dict[str, Any]:
    """AUC and GAUC that each arm's texts add to the model without knowledge, on these people and their films.

    A text counts after the interactions that it was written from; all fits have the same rows and seeds.
    """
    import numpy as np

    from benchmarks import statement_signal as signal
    from recommender.dataset.split import split
    from recommender.dataset.texts import KnowledgeRows
    from recommender.recipe import TrainConfig
    from recommender.runs.observer import WITH, WITHOUT

    last = int(held_out[-1].name.lstrip("u"))
    data, aspects, _ = signal.catalog(last)
    codes, moments = split("r4ec", data.end_user, data.liked), {one.name: one.as_of for one in held_out}
    nobody = signal.prepared(data, codes, aspects, KnowledgeRows([]), np.zeros((1, 1), np.float32))
    recipe, seeds = TrainConfig(knowledge_words=False), list(range(1, KNOWLEDGE + 1))
    base, _ = signal.scored(nobody, WITHOUT, recipe, seeds)
    found: dict[str, Any] = {"without": [round(float(one), 4) for one in base.mean(axis=0)], "end_users": last}
    for arm, of in texts.items():
        if not of:
            found[arm] = None
            continue
        known = signal.knowledge(data, of, moments)
        made = signal.prepared(data, codes, aspects, known, signal.encoded(known), bare=nobody)
        values, _ = signal.scored(made, WITH, recipe, seeds)
        found[arm] = {"texts": len(of), "gain": [round(float(one), 4) for one in (values - base).mean(axis=0)]}
    return found


def show(report: dict[str, Any]) -> None:
    for role in ROLES:
        tuned, arms = report["tuned"][role], report[role]
        print(
            f"{role}: {tuned['rows']['train']} rows learnt in {tuned['steps']} steps, {tuned['minutes']} minutes, "
            f"loss on held-out rows {tuned['before']['loss']:.3f} → {tuned['after']['loss']:.3f}"
        )
        for name in arms["before"]:
            print(f"  {name:18} {arms['before'][name]!s:>8} → {arms['after'][name]!s:>8}")
    if "auc" in report:
        print(f"AUC and GAUC: {report['auc']}")


if __name__ == "__main__":
    main()
