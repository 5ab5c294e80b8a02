"""What the AI answered about items for a text's user: each with its reasons, and whether these go with its score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from recommender.models import Item, ScoredList
from recommender.thinkrec.scoring import lists
from recommender.thinkrec.scoring.answers import EVEN
from recommender.thinkrec.scoring.lists import ScoredItem
from reviews.guards import is_htmx, requires
from reviews.policy import Action
from reviews.room.card_views import card_of

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """One item as the list has it. `said`: by the model, with its reasons."""

    title: str
    said: ScoredItem


@require_safe
@never_cache
@requires(Action.SEE_QUEUE)
def ai_answers(request: HttpRequest, review_id: int) -> HttpResponse:
    """The first items of the user's list in the AI's order. Nobody has reviewed what it said of them."""
    shown = card_of(request, review_id)
    end_user = shown.review.round.end_user
    if end_user is None:
        raise Http404("An AI is asked about the items of a user's list.")
    found = lists.read(end_user)
    answers = _answers(found) if found else []
    against = sum(each.said.agrees is False for each in answers)
    told: dict[str, Any] = {"review": shown.review, "found": found, "answers": answers, "against": against}
    told["label"] = lists.label_of(found.run) if found else None
    told |= {"above": 0.5 + EVEN, "below": 0.5 - EVEN}
    told["reasoned"] = sum(bool(each.said.text) for each in answers)
    template = "reviews/_ai_answers.html" if is_htmx(request) else "reviews/ai_answers.html"
    return render(request, template, told)


def _answers(found: ScoredList) -> Sequence[Answer]:
    """Without items that are gone."""
    said = [ScoredItem.from_json(each) for each in found.items]
    items = Item.objects.filter(catalog=found.catalog_id, external_id__in=[one.item_id for one in said])
    titles = dict(items.values_list("external_id", "title"))
    return [Answer(titles[one.item_id], one) for one in said if one.item_id in titles][:SHOWN]
