"""Does the first rebuild after a few honest approvals take over, and if not, what is missing?

    python -m benchmarks.first_rebuild [--approvals 20]

A fresh sample catalog in a temporary database, a first version trained and active, first rounds by the demonstration
models. An annotator approves the first texts of the queue that passed the AI check and that no evidence contradicts.
Then one rebuild with its gates, which is to be activated if all pass. The last line is one JSON object.
"""

import argparse
import asyncio
import json
import os
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--approvals", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="r4-first-") as var:
        os.environ.update(
            R4_VAR=var,
            R4_SECRET_KEY="benchmark",
            R4_LOG_LEVEL="ERROR",
            DJANGO_SETTINGS_MODULE="r4web.settings",
            DATABASE_URL=f"sqlite:///{var}/bench.sqlite3",
            REDIS_URL="redis://127.0.0.1:9/0",  # jobs are carried out here
        )
        import django

        django.setup()
        from django.db import connection

        with closing(connection):
            print(json.dumps(measured(options.approvals)))


def measured(approvals: int) -> dict[str, Any]:
    from django.core.management import call_command

    from recommender.models import Account, Catalog, Role

    call_command("migrate", verbosity=0)
    with Path(os.devnull).open("w") as nowhere:
        call_command("import_catalog", "sample", "--format", "sample", stdout=nowhere)
    catalog = Catalog.objects.get()
    rebuilt(catalog)
    annotator = Account.objects.create(username="annotator", role=Role.ANNOTATOR)
    texts = first_texts(catalog, approvals)
    approved = approve(annotator, approvals)
    version = rebuilt(catalog)
    gates = version.examinations.get().gates
    for gate in gates:
        print(f"{gate['outcome']:8} {gate['label']}: {gate['words']}")
    outcomes = {gate["name"]: gate["outcome"] for gate in gates}
    return {"benchmark": "first_rebuild", "texts": texts, "approved": approved, "state": version.state, **outcomes}


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


def approve(annotator: Any, approvals: int) -> int:
    from django.utils import timezone

    from recommender.models import RestReason
    from reviews.models import Review, Verdict
    from reviews.room import leases
    from reviews.room.card import card
    from tests.reviews.room.test_decisions import decide

    done = 0
    for review in Review.objects.select_related("round").order_by("place"):
        if done == approvals:
            break
        leases.take(review, account=annotator, now=timezone.now())
        shown = card(review.pk, viewer=annotator, now=timezone.now())
        if review.round.rest_reason == RestReason.REASONABLE and not shown.contradicted and not shown.wrong:
            decide(review, annotator, Verdict.APPROVE)
            done += 1
    return done


if __name__ == "__main__":
    main()
