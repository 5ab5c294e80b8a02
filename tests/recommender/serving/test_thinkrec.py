"""The scenario "thinkrec": a precomputed list while the end user is as it knows them, else the backbone's, named."""

import math
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.knowledge.service import accept
from recommender.models import BackboneVersion, EndUser, Interaction, ScoredList, ScoringRun, VersionState
from recommender.serving import thinkrec
from recommender.serving.recommend import preview, recommend
from recommender.serving.request import request_for
from recommender.serving.types import ScoredReason
from recommender.thinkrec.scoring import lists
from recommender.thinkrec.scoring.lists import ScoredItem
from tests.builders import make_account, make_interaction, make_item, make_round
from tests.openai_server import Reply, running, says
from tests.recommender.training import synthetic


def listed_by_backbone(reader: EndUser, *, limit: int = 100) -> list[str]:
    return [item.item_id for item in preview(reader, limit=limit).items]


def score(reader: EndUser, *items: ScoredItem, **more: Any) -> ScoredList:
    """Store a list as a scoring run does; by default the backbone's first five, the last one best."""
    first = listed_by_backbone(reader, limit=5)
    made = items or [ScoredItem(name, float(n), float(n), 0.5 + n / 20) for n, name in enumerate(first)][::-1]
    defaults: dict[str, Any] = {
        "backbone": BackboneVersion.objects.get(),
        "model": "tiny",
        "prompt": ("score/v1", "0" * 64),
        "history": request_for(reader, limit=1).known,
        "knowledge": None,
        "with_preference": False,
    }
    run = ScoringRun.objects.create(catalog=reader.catalog, config={})
    lists.store(run, reader, made, **defaults | more)
    return ScoredList.objects.get(end_user=reader)


def test_the_precomputed_order_and_its_probabilities_are_served(reader: EndUser) -> None:
    score(reader)
    served = recommend(reader, limit=10, scenario="thinkrec")
    assert (served.source, served.degraded, served.backbone) == ("thinkrec", False, BackboneVersion.objects.get())
    assert [item.item_id for item in served.items] == listed_by_backbone(reader, limit=5)[::-1]
    assert [item.score for item in served.items] == pytest.approx([0.7, 0.65, 0.6, 0.55, 0.5])


def test_without_a_list_the_backbone_s_order_answers_and_says_so(reader: EndUser) -> None:
    served = preview(reader, limit=7, scenario="thinkrec")
    assert (served.source, [item.item_id for item in served.items]) == ("backbone", listed_by_backbone(reader, limit=7))
    assert served.degraded_reason == f"{lists.NO_LIST} {thinkrec.INSTEAD}"


def test_a_list_of_a_history_that_changed_is_not_served(reader: EndUser) -> None:
    score(reader)
    latest = reader.interactions.latest("moment")
    Interaction.objects.filter(pk=latest.pk).update(rating=1.0 if latest.rating and latest.rating > 3 else 5.0)
    assert preview(reader, limit=3, scenario="thinkrec").degraded_reason.startswith(lists.HISTORY_CHANGED)
    score(reader)
    assert preview(reader, limit=3, scenario="thinkrec").source == "thinkrec"
    make_interaction(reader, make_item(reader.catalog), moment=latest.moment + 1)
    assert preview(reader, limit=3, scenario="thinkrec").degraded_reason.startswith(lists.HISTORY_CHANGED)


def test_a_list_that_showed_a_text_which_is_in_force_no_more_is_not_served(reader: EndUser) -> None:
    score(reader, with_preference=True)
    assert preview(reader, limit=3, scenario="thinkrec").source == "thinkrec"
    accept(make_round(reader, ("reason", "Likes war films.")).turns.get())
    assert preview(reader, limit=3, scenario="thinkrec").degraded_reason.startswith(lists.PREFERENCE_CHANGED)


def test_what_is_met_or_gone_is_left_out_and_an_empty_list_is_none(reader: EndUser) -> None:
    first, second = listed_by_backbone(reader, limit=2)
    met = reader.interactions.first()
    assert met is not None
    rows = [ScoredItem(name, 1.0, 1.0, 0.7) for name in (met.item.external_id, "gone", second)]
    score(reader, *rows, ScoredItem(first, 0.0, 0.0, 0.5))
    served = preview(reader, limit=10, scenario="thinkrec")
    assert [item.item_id for item in served.items] == [second, first]
    score(reader, *rows[:2])
    assert preview(reader, limit=3, scenario="thinkrec").degraded_reason.startswith(thinkrec.NONE_LEFT)


def test_items_without_a_score_come_last_and_have_none(reader: EndUser) -> None:
    first, second = listed_by_backbone(reader, limit=2)
    score(reader, ScoredItem(second, 1.0, 1.0, 0.1), ScoredItem(first, None, None, None, note="No time."))
    served = preview(reader, limit=10, scenario="thinkrec")
    assert [(item.item_id, item.score) for item in served.items] == [(second, pytest.approx(0.1)), (first, None)]


def test_where_no_backbone_is_active_either_the_ladder_goes_on_with_both_reasons(reader: EndUser) -> None:
    BackboneVersion.objects.update(state=VersionState.RETIRED)
    served = preview(reader, limit=3, scenario="thinkrec")
    assert served.source == "popular"
    assert served.degraded_reason.startswith(f"{lists.NO_LIST} No backbone is active")


def test_rest_serves_the_scenario_with_what_the_model_answered(reader: EndUser) -> None:
    (first,) = listed_by_backbone(reader, limit=1)
    score(reader, ScoredItem(first, 2.0, 1.5, 0.8, text="It is loud. Verdict: No", verdict="no", cut_off=True))
    _, key = create_token("tests", account=make_account())
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {key}")
    address = f"/api/v1/catalogs/{reader.catalog.name}/users/{reader.external_id}/recommendations"
    answer = client.get(address, {"scenario": "thinkrec", "explain": "full"}).json()
    assert (answer["source"], answer["degraded"]) == ("thinkrec", False)
    (item,) = answer["items"]
    (scored,) = [reason for reason in item["reasons"] if reason["kind"] == "scored"]
    said = {"basis": "answer", "log_odds": 1.5, "probability": 0.8, "verdict": "no", "agrees": False, "cut_off": True}
    said |= {"review_status": "unreviewed"}
    assert said.items() <= scored.items()
    assert client.get(address, {"scenario": "guess"}).status_code == 400
    assert client.get(address).json()["source"] == "backbone"


def test_a_reason_names_model_and_prompt_and_no_reasons_are_read_unasked(reader: EndUser) -> None:
    score(reader)
    (item, *_) = preview(reader, limit=1, level="short", scenario="thinkrec").items
    (reason,) = item.of(ScoredReason)
    assert (reason.model, reason.prompt, reason.text, reason.verdict, reason.agrees) == (
        "tiny",
        "score/v1",
        "",
        "",
        None,
    )
    assert preview(reader, limit=1, scenario="thinkrec").items[0].reasons == ()


def answering(request: dict[str, Any], number: int) -> Reply:
    """The later a candidate was asked about, the likelier is its Yes."""
    reply = says("Yes")
    told = [{"token": "Yes", "logprob": -5.0 + number}, {"token": "No", "logprob": -3.0}]
    reply.body["choices"][0]["logprobs"] = {"content": [told[0] | {"top_logprobs": told}]}
    return reply


def test_where_no_list_stands_an_endpoint_may_be_asked_with_a_deadline(reader: EndUser, settings: Settings) -> None:
    settings.THINKREC_SECONDS = 20.0
    with running(lambda request, number: answering(request, min(number, 4))) as server:
        settings.LLM = server.endpoints()
        served = preview(reader, limit=3, scenario="thinkrec", level="short")
    assert (served.source, served.degraded, len(served.items)) == ("thinkrec", False, 3)
    assert [item.score for item in served.items] == pytest.approx([1 / (1 + math.exp(-2))] * 3, abs=1e-5)
    assert [reason.model for reason in served.items[0].reasons if isinstance(reason, ScoredReason)] == ["scorer"]
    assert not ScoredList.objects.exists()


@pytest.mark.parametrize("reply", [Reply(hang=True), Reply(500, "down"), says("Yes")], ids=["hangs", "down", "silent"])
def test_an_endpoint_that_says_nothing_in_time_leaves_it_to_the_backbone_by_name(
    reader: EndUser, settings: Settings, reply: Reply
) -> None:
    settings.THINKREC_SECONDS = 0.3
    with running(lambda *_: reply) as server:
        settings.LLM = server.endpoints()
        served = preview(reader, limit=3, scenario="thinkrec")
    assert served.degraded_reason == f"{lists.NO_LIST} {thinkrec.IN_VAIN} {thinkrec.INSTEAD}"
    assert [item.item_id for item in served.items] == listed_by_backbone(reader, limit=3)


def test_what_keeps_a_scored_item_off_the_page_is_named(reader: EndUser) -> None:
    genres = dict(reader.catalog.items.values_list("external_id", "attributes__genres"))
    score(reader, *(ScoredItem(name, 0.0, 0.0, 0.6) for name in listed_by_backbone(reader)))
    disliked = {genre for item in preview(reader, limit=2, scenario="thinkrec").items for genre in genres[item.item_id]}
    for genre in disliked:
        synthetic.approve(reader, f"No more {genre.lower()} films, please.")
        kept_away = preview(reader, limit=2, scenario="thinkrec", level="full").kept_away
        assert [(one.said_in, one.statement.aspect) for one in kept_away] == [("text", genre)]
        assert kept_away[0].statement.kept_away >= 1


def test_approved_statements_move_the_scored_items_too(reader: EndUser) -> None:
    genres = dict(reader.catalog.items.values_list("external_id", "attributes__genres"))
    rows = [ScoredItem(name, 0.0, 0.0, 0.6) for name in listed_by_backbone(reader)]
    score(reader, *rows)
    (disliked,) = genres[rows[0].item_id]
    synthetic.approve(reader, f"No more {disliked.lower()}s, please.")
    served = preview(reader, limit=100, scenario="thinkrec")
    assert served.source == "thinkrec"
    lowered = [item for item in served.items if genres[item.item_id] == [disliked]]
    assert lowered == list(served.items[-len(lowered) :])
    assert all(item.score is not None and item.score < 0.6 for item in lowered)
