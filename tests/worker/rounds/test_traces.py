"""Traces: drawn by a seed, asked, hinted, given up, exported; those that test explanations stay apart."""

import asyncio
import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from recommender.erasure import service as erasure
from recommender.models import Account, Catalog, EndUser, Interaction, RestReason, Role, Round, SubjectKind
from recommender.rounds.approved import tally
from recommender.rounds.config import OpenConfig
from recommender.rounds.core.types import Subject
from recommender.rounds.queries import proposal
from recommender.rounds.service import open_rounds
from reviews.choices import Verdict
from reviews.models import Review
from reviews.room import decisions, leases
from reviews.room.decisions import Seen
from tests.builders import make_account, make_catalog, make_end_user, make_item
from tests.openai_server import Reply, says
from tests.worker.rounds.conftest import Serve
from worker.endpoint import server as endpoint
from worker.rounds.advance import advance

pytestmark = pytest.mark.django_db(transaction=True)
WHY = "They rated the quiet films high and the loud ones low, and this one is quiet."


@pytest.fixture
def catalog(transactional_db: None) -> Catalog:
    return filled()


def filled() -> Catalog:
    """Thirty end users of twenty ratings each, every second one liked."""
    catalog = make_catalog()
    items = [make_item(catalog, f"Film {number}", genres=["Drama"]) for number in range(20)]
    for person in range(30):
        one = make_end_user(catalog, f"p{person}")
        Interaction.objects.bulk_create(
            Interaction(end_user=one, item=item, rating=5.0 if number % 2 else 1.0, moment=1 + number)
            for number, item in enumerate(items)
        )
    return catalog


def opened(catalog: Catalog, **more: Any) -> list[Round]:
    batch = open_rounds(catalog, OpenConfig(purpose="trace", subjects="end-users", **{"limit": 3} | more))
    return list(batch.rounds.order_by("pk"))


def run(rounds: list[Round]) -> list[Round]:
    asyncio.run(advance([one.pk for one in rounds]))
    return list(Round.objects.filter(pk__in=[one.pk for one in rounds]).order_by("pk"))


def label(round_: Round) -> bool:
    return bool(Subject.from_json(round_.evidence).asked[0].liked)


def decide(round_: Round, account: Account, verdict: Verdict, text: str = "") -> None:
    review, now = Review.objects.get(round=round_), timezone.now()
    slot = leases.take(review, account=account, now=now)
    assert slot is not None
    turn = proposal(round_)
    assert turn is not None
    seen = Seen(version=review.version, turns=round_.turns.count(), text_hash=turn.text_hash)
    decisions.decide(
        review, account=account, verdict=verdict, seen=seen, lease_token=slot.lease_token, text=text, now=now
    )


def always(answer: str) -> Any:
    return lambda request, number: says(f"{answer}. {WHY}")


def test_a_row_is_asked_hinted_tagged_reviewed_counted_and_exported(
    serve: Serve, catalog: Catalog, tmp_path: Path
) -> None:
    rounds = opened(catalog, limit=8, held_out=2, seed=3, retries=1)
    assert [one.held_out for one in rounds] == [False] * 8 + [True] * 2

    def script(request: dict[str, Any], number: int) -> Reply:
        """Yes, until a hint says otherwise."""
        said = request["messages"][-1]["content"]
        return says(f"{'No' if said.endswith('Begin with No.') else 'Yes'}. {WHY}")

    serve(script)
    rounds = run(rounds)
    assert {one.rest_reason for one in rounds} == {RestReason.REASONABLE}
    kinds = {label(one): proposal(one).kind for one in rounds}  # type: ignore[union-attr]
    assert kinds == {True: "reason", False: "refine"}
    assert set(Review.objects.values_list("kind", flat=True)) == {"trace"}

    annotator = make_account(role=Role.ANNOTATOR)
    trained = [one for one in rounds if not one.held_out]
    liked, disliked = (next(one for one in trained if label(one) == wanted) for wanted in (True, False))
    edited = next(one for one in trained if one not in (liked, disliked))
    word = "Yes" if label(edited) else "No"
    decide(liked, annotator, Verdict.APPROVE)
    decide(disliked, annotator, Verdict.APPROVE)
    decide(edited, annotator, Verdict.EDIT, f"{word}. A person says so, after reading all of it.")
    decide(rounds[-1], annotator, Verdict.APPROVE)

    told = tally(Round.objects.filter(pk__in=[one.pk for one in rounds]))
    assert told is not None
    assert told.approved["human"] == 1
    assert told.accepted == 4
    assert told.tokens == 120 * told.calls
    assert told.gave_up == 0
    assert told.apart == sum(one.held_out for one in rounds) > 0

    def exported(*options: str) -> dict[str, dict[str, Any]]:
        call_command("export_training_sets", catalog.name, out=tmp_path / "x".join(options or ("all",)), **{
            name.strip("-").replace("-", "_"): True for name in options
        })  # fmt: skip
        file = tmp_path / "x".join(options or ("all",)) / "jsonl" / "trace.jsonl"
        return {row["tag"]: row for row in map(json.loads, file.read_text().splitlines())}

    rows = exported()
    assert set(rows) == {"first_try", "hinted", "human"}
    assert rows["hinted"]["completion"][0]["content"] == f"No. {WHY}"
    assert [each["role"] for each in rows["hinted"]["prompt"]] == ["system", "user"]
    assert "right answer" not in json.dumps(rows["hinted"]["prompt"])
    assert set(exported("--without-hinted")) == {"first_try", "human"}
    (held_out,) = exported("--held-out").values()
    assert held_out["provenance"]["round"] == rounds[-1].pk
    assert held_out["provenance"]["round"] not in {row["provenance"]["round"] for row in rows.values()}


def test_a_model_that_stays_wrong_is_given_up_and_nothing_is_reviewed(serve: Serve, catalog: Catalog) -> None:
    rounds = opened(catalog, retries=2)
    round_ = next(one for one in rounds if not label(one))
    server = serve(always("Yes"))
    (done,) = run([round_])
    assert (done.rest_reason, proposal(done)) == (RestReason.WRONG, None)
    assert not Review.objects.exists()
    assert len(server.requests) == 3
    hints = [request["messages"][-1]["content"] for request in server.requests[1:]]
    assert len(set(hints)) == 2
    assert "Begin with No." not in json.dumps(server.requests[0])


def test_an_answer_without_its_word_goes_back_once_and_costs_no_hint(serve: Serve, catalog: Catalog) -> None:
    round_ = opened(catalog)[0]
    word = "Yes" if label(round_) else "No"
    serve(lambda request, number: says(f"Notably, {WHY}" if number == 1 else f"{word}. {WHY}"))
    (done,) = run([round_])
    assert done.rest_reason == RestReason.REASONABLE
    assert list(done.calls.order_by("pk").values_list("error_kind", flat=True)) == ["malformed", ""]
    assert proposal(done).kind == "reason"  # type: ignore[union-attr]


def test_fewer_rows_set_apart_than_asked_for_are_told(catalog: Catalog) -> None:
    asked = ("--purpose", "trace", "--subjects", "end-users", "--limit", "1")
    err = StringIO()
    call_command("open_rounds", catalog.name, *asked, "--held-out", "900", stderr=err)
    found = Round.objects.filter(held_out=True).count()
    assert f"Set apart for tests: {found} of 900 rows. One user in ten may have one" in err.getvalue()
    err = StringIO()
    call_command("open_rounds", catalog.name, *asked, "--seed", "5", stderr=err)
    assert "Set apart" not in err.getvalue()

    lead = Client()
    lead.force_login(make_account(role=Role.LEAD))
    form = {"catalog": catalog.name, "purpose": "trace", "subjects": "end-users", "limit": 1, "window": "prefix"}
    form |= {"strategy": "refine", "points": "nobody", "held_out": 900, "seed": 5, "retries": 2}
    page = lead.post("/rounds/open/", form, follow=True).content.decode()
    assert re.search(r"Set apart for tests: \d+ of 900 rows\.", page)


def test_the_seed_draws_the_rows_and_those_held_out_share_no_end_user_with_them(catalog: Catalog) -> None:
    first = opened(catalog, limit=20, held_out=5, seed=1)
    trained = {one.end_user_id for one in first if not one.held_out}
    tested = {one.end_user_id for one in first if one.held_out}
    assert tested
    assert not trained & tested
    assert opened(catalog, limit=20, held_out=5, seed=1) == []
    for one in first:
        shown = Subject.from_json(one.evidence)
        assert one.as_of <= 16  # the first four fifths of twenty
        assert 5 <= len(shown.history) <= 10
        if one.held_out:
            assert [sum(bool(met.liked) for met in shown.history), len(shown.history)] == [5, 10]


def test_a_seed_draws_the_same_rows_in_every_database(catalog: Catalog) -> None:
    """Keys differ between two databases, and between two catalogs; the names of end users do not."""
    here, there = (
        [(one.end_user.external_id, one.as_of) for one in opened(some, limit=20, seed=4) if one.end_user]
        for some in (catalog, filled())
    )
    assert here == there
    assert len(here) == 20


def test_the_demonstration_answers_and_believes_a_hint(catalog: Catalog, settings: Any) -> None:
    rounds = opened(catalog, limit=12)
    with endpoint.serve() as url:
        settings.LLM = {role: told | {"base_url": url} for role, told in settings.LLM.items()}
        done = run(rounds)
    assert {one.rest_reason for one in done} == {RestReason.REASONABLE}
    assert all(proposal(one).text.startswith(("Yes. ", "No. ")) for one in done)  # type: ignore[union-attr]


def test_an_erased_end_user_leaves_no_trace_and_an_erased_target_teaches_nothing(
    serve: Serve, catalog: Catalog
) -> None:
    serve(lambda request, number: says(f"Yes. {WHY}") if number % 2 else says(f"No. {WHY}"))
    first, second = run(opened(catalog, limit=2))
    name = first.end_user.external_id  # type: ignore[union-attr]
    erasure.erase(catalog, SubjectKind.END_USER, name, by=None)
    first.refresh_from_db()
    assert (first.rest_reason, first.approved_index) == (RestReason.ERASED, None)
    assert "asked" not in first.evidence
    assert not first.turns.exclude(text="").exists()

    title = Subject.from_json(second.evidence).asked[0].title
    erasure.erase(catalog, SubjectKind.ITEM, catalog.items.get(title=title).external_id, by=None)
    second.refresh_from_db()
    assert title not in {each["title"] for each in second.evidence["asked"] + second.evidence["history"]}
    assert EndUser.objects.filter(catalog=catalog).count() == 29


def test_the_form_and_the_command_ask_for_traces_and_say_what_they_cost(
    serve: Serve, catalog: Catalog, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    client.force_login(make_account(role=Role.LEAD))
    asked = {"catalog": catalog.name, "purpose": "trace", "subjects": "all", "window": "prefix", "strategy": "refine"}
    asked |= {"points": "nobody", "limit": "4", "retries": "1"}
    page = client.post("/rounds/open/", asked | {"estimate": "1"}).content.decode()
    assert "For 4 texts at most and 6 questions to the AI" in page
    wrong = client.post("/rounds/open/", asked | {"subjects": "items"})
    assert wrong.status_code == 422
    assert "traces are about users" in wrong.content.decode()
    address = client.post("/rounds/open/", asked)["Location"]
    serve(always("Yes"))
    run(list(Round.objects.all()))
    page = client.get(address).content.decode()
    right = Round.objects.filter(rest_reason=RestReason.REASONABLE, turns__kind="refine").count()
    gave_up = Round.objects.filter(rest_reason=RestReason.WRONG).count()
    assert f"after a hint: {right}; given up: {gave_up}. Approved by people: 0." in page
    assert "Reasons for Yes or No" in page

    call_command("open_rounds", catalog.name, "--subjects", "all", "--purpose", "trace", "--limit", "4", "--json")
    assert json.loads(capsys.readouterr().out)["opened"] == 0
    call_command("open_rounds", catalog.name, "--subjects", "items", "--purpose", "keywords", "--estimate")
    assert "about 0 calls" in capsys.readouterr().err
