"""How do rounds with the embedded endpoint's demonstration models end, and how fast does it answer?

    python -m benchmarks.demonstration CATALOG [--limit N] [--refinements N]

Takes the evidence of an imported catalog's subjects as `open_rounds` would, plays whole rounds in this process (the
real prompts, parsing and loop; nothing is stored), and counts how they rest. Then it asks the served endpoint the same
first drafts and judgements over HTTP, 64 at a time, from this process while the server has one of its own.
The models are deterministic statistics, not LLMs: the shares describe the demonstration, not R4ec.
The last line printed is one JSON object.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).resolve().parent.parent
CONCURRENCY = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalog")
    parser.add_argument("--limit", type=int, default=300, help="subjects of each kind")
    parser.add_argument("--refinements", type=int, default=2)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "r4web.settings")
    import django

    django.setup()
    subjects = _subjects(options.catalog, options.limit)
    report: dict[str, Any] = {"benchmark": "demonstration", "catalog": options.catalog}
    for kind, chosen in subjects.items():
        report[kind] = play_all(chosen, refinements=options.refinements)
        print(f"{kind:10}", "  ".join(f"{name} {value}" for name, value in report[kind].items()))
    report["served"] = asyncio.run(serve_and_ask([subject for chosen in subjects.values() for subject in chosen]))
    print("served    ", "  ".join(f"{name} {value}" for name, value in report["served"].items()))
    print(json.dumps(report))


def _subjects(name: str, limit: int) -> dict[str, list[Any]]:
    from recommender.models import Catalog
    from recommender.rounds import evidence

    catalog = Catalog.objects.filter(name=name).first()
    if catalog is None:
        sys.exit(f"There is no catalog {name!r}; import one first: python manage.py import_catalog --help")
    end_users = list(catalog.end_users.order_by("id").values_list("id", flat=True)[:limit])
    items = list(catalog.items.order_by("id").values_list("id", flat=True)[:limit])
    return {
        "end users": [found.subject for found in evidence.of_end_users(catalog, end_users)],
        "items": [found.subject for found in evidence.of_items(catalog, items)],
    }


def play_all(subjects: Sequence[Any], *, refinements: int) -> dict[str, Any]:
    ends: Counter[str] = Counter()
    words: list[int] = []
    drafts = set()
    for subject in subjects:
        reason, turns = play(subject, refinements=refinements)
        refined = sum(turn.kind == "refine" for turn in turns)
        ends[f"{reason} after {refined}" if reason == "reasonable" else reason] += 1
        words.append(len(turns[0].text.split()))
        drafts.add(turns[0].text)
    shares = {name: f"{100 * count / len(subjects):.0f}%" for name, count in sorted(ends.items())}
    return {
        "rounds": len(subjects),
        "different_drafts": len(drafts),
        "median_words": sorted(words)[len(words) // 2],
    } | shares


def play(subject: Any, *, refinements: int) -> tuple[str, list[Any]]:
    from recommender.rounds.core import parsing, prompts
    from recommender.rounds.core.loop import STRATEGIES, Reason, Refine, Reflect, Rest
    from recommender.rounds.core.types import TurnValue
    from worker.endpoint import demonstration

    def ask(model: str, step: Any, **texts: str) -> str:
        return demonstration.reply(model, prompts.render(subject, step, **texts).messages).text

    turns: list[TurnValue] = []
    while True:
        match STRATEGIES["refine"].next_step(turns, refinements, 1):
            case Reason():
                text = parsing.parse_rationale(ask(demonstration.ACTOR, "reason"), subject_kind=subject.kind)
                turns.append(TurnValue(len(turns), "reason", text))
            case Refine(about, critique):
                texts = {"rationale": turns[about].text, "critique": turns[critique].text}
                text = parsing.parse_rationale(ask(demonstration.ACTOR, "refine", **texts), subject_kind=subject.kind)
                turns.append(TurnValue(len(turns), "refine", text, about=about))
            case Reflect(about):
                answer = ask(demonstration.REFLECTOR, "reflect", rationale=turns[about].text)
                found = parsing.parse_reflection(answer)
                turns.append(TurnValue(len(turns), "reflect", found.critique, found.verdict, about))
            case Rest(reason):
                return reason, turns


async def serve_and_ask(subjects: Sequence[Any]) -> dict[str, Any]:
    """Calls a second of the served endpoint, and its processor time per call."""
    from recommender.rounds.core import prompts
    from worker.endpoint import demonstration

    bodies = [{"model": demonstration.ACTOR, "messages": prompts.render(one, "reason").messages} for one in subjects]
    command = [sys.executable, "-m", "worker.endpoint", "--port", "0"]
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = process.stderr.readline().split()[-1]
        started = time.perf_counter() - began
        gate = asyncio.Semaphore(CONCURRENCY)
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as session:

                async def ask(body: dict[str, Any]) -> dict[str, Any]:
                    async with gate, session.post(f"{url}/chat/completions", json=body) as response:
                        answer: dict[str, Any] = await response.json()
                        return answer

                before, began = _cpu_seconds(process.pid), time.perf_counter()
                drafts = await asyncio.gather(*(ask(body) for body in bodies))
                texts = [draft["choices"][0]["message"]["content"] for draft in drafts]
                judgements = [
                    {
                        "model": demonstration.REFLECTOR,
                        "messages": prompts.render(one, "reflect", rationale=text).messages,
                    }
                    for one, text in zip(subjects, texts, strict=True)
                ]
                await asyncio.gather(*(ask(body) for body in judgements))
                seconds, cpu = time.perf_counter() - began, _cpu_seconds(process.pid) - before
        finally:
            process.terminate()
    calls = len(bodies) + len(judgements)
    return {
        "calls": calls,
        "calls_per_second": round(calls / seconds),
        "cpu_ms_per_call": round(1000 * cpu / calls, 2),
        "seconds_to_start": round(started, 2),
    }


def _cpu_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
