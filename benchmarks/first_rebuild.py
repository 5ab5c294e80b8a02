"""Does the first rebuild after a few honest approvals take over, and if not, what is missing?

    python -m benchmarks.first_rebuild [--approvals 20] [--sets 10]

A fresh sample catalog in a temporary database, a first version trained and active, first rounds by the demonstration
models. An annotator approves the first texts of the queue that passed the AI check and that no evidence contradicts.
Then one rebuild with its gates, which is to be activated if all pass. The last line is one JSON object.

With several sets each is decided by another annotator, from the same beginning: the first goes by the queue, the
second reads texts about users alone, the third texts about items alone, all others take what they like; from the
fourth set on every second annotator edits up to a third: they cut sentences that the evidence contradicts, or add a
film that the user liked.
"""

import argparse
import asyncio
import json
import random
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.scratch import own_database

USERS_ALONE, ITEMS_ALONE, EDITING_FROM = 1, 2, 3  # sets, from 0
EDITED = 3  # one text in so many at most
HERE = "redis://127.0.0.1:9/0"  # no broker: jobs are carried out in this process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--approvals", type=int, default=20)
    parser.add_argument("--sets", type=int, default=1)
    parser.add_argument("--begun", help=argparse.SUPPRESS)  # the folder of a beginning, in which one set is decided
    parser.add_argument("--set", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.begun:
        with own_database(Path(options.begun), REDIS_URL=HERE):
            print(json.dumps(decided(options.approvals, options.set)))
        return
    with own_database(sample=True, REDIS_URL=HERE) as begun:
        texts = begin(options.approvals)
        sets = [in_a_copy(begun, options.approvals, number) for number in range(options.sets)]
    taken = sum(one["state"] == "active" for one in sets)
    print(json.dumps({"benchmark": "first_rebuild", "texts": texts, "took_over": taken, "sets": sets}))


def in_a_copy(begun: Path, approvals: int, number: int) -> dict[str, Any]:
    """One set, decided in a process and a copy of the beginning of its own."""
    with tempfile.TemporaryDirectory(prefix="r4-first-") as var:
        shutil.copytree(begun, var, dirs_exist_ok=True)
        command = [sys.executable, "-m", "benchmarks.first_rebuild", "--begun", var]
        command += ["--set", str(number), "--approvals", str(approvals)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    *told, last = done.stdout.strip().splitlines()
    print(f"set {number + 1}", *told, sep="\n", flush=True)
    found: dict[str, Any] = json.loads(last)
    return found


def begin(approvals: int) -> int:
    from django.db import connection

    from recommender.models import Account, Catalog, Role

    with closing(connection):  # nothing of it is left in the journal, which is not copied
        catalog = Catalog.objects.get()
        rebuilt(catalog)
        Account.objects.create(username="annotator", role=Role.ANNOTATOR)
        return first_texts(catalog, approvals)


def decided(approvals: int, number: int) -> dict[str, Any]:
    from recommender.models import Account, Catalog

    counted = decide_texts(Account.objects.get(), approvals, number)
    version = rebuilt(Catalog.objects.get())
    gates = version.examinations.get().gates
    for gate in gates:
        print(f"{gate['outcome']:8} {gate['label']}: {gate['words']}")
    return counted | {"state": version.state} | {gate["name"]: gate["outcome"] for gate in gates}


def rebuilt(catalog: Any) -> Any:
    from recommender.recipe import TrainConfig
    from recommender.runs import service as runs
    from recommender.runs.kinds import TRAINING
    from tests.carried_out import with_examination

    asked = runs.request(TRAINING, queue=False, catalog=catalog, config=TrainConfig().to_json(), activate=True)
    version = with_examination(asked).version
    version.refresh_from_db()
    return version


def first_texts(catalog: Any, approvals: int) -> int:
    from django.conf import settings

    from recommender.models import Round
    from recommender.rounds.config import OpenConfig
    from recommender.rounds.service import open_rounds
    from worker.endpoint import server as endpoint
    from worker.rounds.advance import advance

    with endpoint.serve() as url:
        for role in ("actor", "reflector"):
            settings.LLM[role] |= {"base_url": url, "model": f"r4-demo-{role}"}
        open_rounds(catalog, OpenConfig(subjects="all", limit=approvals * 3 // 2))
        asyncio.run(advance(list(Round.objects.values_list("pk", flat=True))))
    return Round.objects.count()


def decide_texts(annotator: Any, approvals: int, number: int) -> dict[str, int]:
    from django.utils import timezone

    from recommender.models import RestReason, SubjectKind
    from reviews.models import Review, Verdict
    from reviews.room import leases
    from reviews.room.card import card
    from tests.reviews.room.test_decisions import decide

    draw = random.Random(number)
    reviews = list(Review.objects.select_related("round").order_by("place"))
    kinds = {USERS_ALONE: SubjectKind.END_USER, ITEMS_ALONE: SubjectKind.ITEM}
    if number:
        draw.shuffle(reviews)
    reviews.sort(key=lambda one: number in kinds and one.round.subject_kind != kinds[number])  # they run out
    may_edit = approvals // EDITED if number >= EDITING_FROM and number % 2 else 0
    done = edited = users = 0
    for review in reviews:
        if done == approvals:
            break
        leases.take(review, account=annotator, now=timezone.now())
        shown = card(review.pk, viewer=annotator, now=timezone.now())
        is_honest = review.round.rest_reason == RestReason.REASONABLE and not shown.contradicted and not shown.wrong
        text = edit_of(shown) if edited < may_edit else ""
        if text:
            decide(review, annotator, Verdict.EDIT, text=text)
        elif is_honest:
            decide(review, annotator, Verdict.APPROVE)
        else:
            continue
        done, edited = done + 1, edited + bool(text)
        users += review.round.subject_kind == SubjectKind.END_USER
    return {"set": number + 1, "decided": done, "edited": edited, "about_users": users}


def edit_of(shown: Any) -> str:
    """The text without the sentences that the evidence contradicts; else with a film that the user liked. Empty where
    there is nothing to edit."""
    from recommender.grounding.sentences import spans

    text = shown.proposal.text
    wrong = [(each["start"], each["end"]) for each in shown.wrong]
    wrong += [(one.said.start, one.said.end) for one in shown.contradicted]
    if wrong:
        kept = [(a, b) for a, b in spans(text) if not any(start < b and a < end for start, end in wrong)]
        return " ".join(text[a:b].strip() for a, b in kept)
    liked = [met.title for met in shown.subject.history if met.liked and met.title not in text]
    return f"{text} They liked “{liked[-1]}”." if liked and shown.subject.kind == "end_user" else ""


if __name__ == "__main__":
    main()
