"""What people do to the statements on a card, and what that would do to the list. Words that are typed stay typed."""

from collections.abc import Mapping, Sequence

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from recommender.grounding.wording import in_words
from recommender.models import Polarity, Statement
from recommender.rounds import evidence
from recommender.serving.recommend import preview
from recommender.statements import queries, service
from recommender.statements.aspects import aspects_of
from recommender.statements.queries import OPINIONS
from recommender.statements.service import NotUnderstoodError
from reviews.guards import account_of, is_htmx, requires
from reviews.policy import Action
from reviews.room import opening
from reviews.room.card import STATEMENT, Card
from reviews.room.card_views import again, card_of, keep_typed
from reviews.room.conflict import who
from reviews.room.statements import SAYS, WHOSE, by_all_known

STRIKE, RESTORE = "strike", "restore"
MEANT = "meant "  # before the key of an aspect: what was meant of it, likes or dislikes
LISTED = 10


@require_POST
@never_cache
@requires(Action.DECIDE)
def change(request: HttpRequest, review_id: int, statement_id: int) -> HttpResponse:
    """Another polarity for a statement, or strike it, or put it back."""
    shown = card_of(request, review_id)
    statement = next((one for one in shown.statements if one.row.pk == statement_id), None)
    asked = request.POST.get("say", "")
    if not shown.may_change_statements:
        return _cannot(request, shown)
    if statement is None:
        return _gone(request, shown, statement_id)
    at, is_done = statement.row, True
    if asked == STRIKE:
        is_done = bool(service.strike([at], account=shown.viewer, now=timezone.now()))
    elif asked == RESTORE:
        is_done = service.restore(at)
    elif asked in Polarity.values:
        try:
            at = service.change(at, polarity=asked, account=shown.viewer, now=timezone.now())
        except IntegrityError:  # in the same instant it was changed elsewhere
            return _gone(request, shown, statement_id)
    else:
        messages.error(request, "Choose what the statement should say.")
        is_done = False
    if is_done:
        opening.changed(shown.review)
    keep_typed(request, shown)
    return again(request, review_id, at=at)


@require_POST
@never_cache
@requires(Action.DECIDE)
def add(request: HttpRequest, review_id: int) -> HttpResponse:
    """What the text leaves out, in plain words: said again as it was understood, or asked back which way round."""
    shown = card_of(request, review_id)
    if not shown.may_change_statements or shown.proposal is None:
        return _cannot(request, shown)
    shown.proposal.round = shown.review.round
    titles = aspects_of(shown.review.round.catalog).title_of
    meant = {name.removeprefix(MEANT): str(said) for name, said in request.POST.items() if name.startswith(MEANT)}
    try:
        made = service.add(shown.proposal, request.POST.get(STATEMENT, ""), account=shown.viewer, meant=meant)
    except NotUnderstoodError as error:
        keep_typed(request, shown)
        unsure = [(MEANT + one.key, in_words(one.aspect, titles)) for one in error.unsure]
        chosen = [(MEANT + key, said) for key, said in meant.items()]
        return again(
            request, review_id, status=422, not_understood=str(error), unsure=unsure, chosen=chosen if unsure else ()
        )
    said = "; ".join(_as_understood(one, titles) for one in made)
    told = f"Understood as: {said}. Change or strike it if that is wrong. {_unmet(shown, made)}".rstrip()
    opening.changed(shown.review)
    keep_typed(request, shown, but=STATEMENT)
    if is_htmx(request):
        return again(request, review_id, at=made[-1], understood=told)
    messages.success(request, told)  # at the head of the page that a browser is sent to
    return again(request, review_id)


def _as_understood(one: Statement, titles: Mapping[str, str]) -> str:
    words = (WHOSE.get(one.holder, ""), SAYS[one.polarity].lower(), in_words(service.said(one).aspect, titles))
    return " ".join(filter(None, words))


def _unmet(shown: Card, made: Sequence[Statement]) -> str:
    """Which of the points about a user move no list, for nothing is known to meet them; empty where all do."""
    if shown.review.round.end_user_id is None:
        return ""
    aspects = aspects_of(shown.review.round.catalog)
    told = [service.said(one).aspect for one in made if one.polarity in OPINIONS]
    unmet = [in_words(aspect, aspects.title_of) for aspect in told if not len(aspects.meeting(aspect))]
    if not unmet:
        return ""
    return f"No {shown.subject.item_noun} is known to fit {' or '.join(unmet)}, so that moves no list yet."


@require_safe
@never_cache
@requires(Action.SEE_QUEUE)
def difference(request: HttpRequest, review_id: int) -> HttpResponse:
    """The user's list now, and as it would be at once were the text approved as it stands."""
    shown = card_of(request, review_id)
    end_user = shown.review.round.end_user
    if end_user is None or shown.proposal is None:
        raise Http404("Only a text about a user moves a list.")
    end_user.catalog = shown.review.round.catalog
    said = queries.if_approved(shown.proposed_texts, end_user, by=str(account_of(request)), now=shown.now)
    before, after = (preview(end_user, limit=LISTED, said=each) for each in (None, said))
    rank = {item.item_id: item.rank for item in before.items}
    moved = [(item, rank.get(item.item_id)) for item in after.items]
    left = [item for item in before.items if item.item_id not in {each.item_id for each in after.items}]
    template = "reviews/_difference.html" if is_htmx(request) else "reviews/difference.html"
    shows = {"after": moved, "left": left, "most": LISTED, "review": shown.review, "steers": shown.steers}
    return render(request, template, shows)


@require_safe
@never_cache
@requires(Action.SEE_QUEUE)
def known_now(request: HttpRequest, review_id: int) -> HttpResponse:
    """The points of a text about a user, held against everything the user has met until now."""
    shown = card_of(request, review_id)
    end_user = shown.review.round.end_user
    if end_user is None or shown.proposal is None:
        raise Http404("Only a text about a user is held against what is known now.")
    met = evidence.known_now(end_user)
    points = [one for one in shown.statements if not one.is_quiet]
    compared = by_all_known(points, met, aspects_of(shown.review.round.catalog).title_of)
    template = "reviews/_known_now.html" if is_htmx(request) else "reviews/known_now.html"
    counts = {"shown": len(shown.subject.history), "now": len(met)}
    return render(request, template, {"compared": compared, "counts": counts, "review": shown.review})


def _gone(request: HttpRequest, shown: Card, statement_id: int) -> HttpResponse:
    """The point is not among those of the card any more: it was changed, or the text is another."""
    later = Statement.objects.filter(replaces=statement_id, turn=shown.proposal).select_related("account").first()
    told = (
        f"{who(later.account, shown.viewer)} changed that point meanwhile: it" if later else "The text has changed: it"
    )
    messages.warning(request, f"{told} is as you see it now. Nothing of what you pressed was taken.")
    keep_typed(request, shown)
    at = next((one.row for one in shown.statements if later and one.row.pk == later.pk), None)
    return again(request, shown.review.pk, status=409, at=at)


def _cannot(request: HttpRequest, shown: Card) -> HttpResponse:
    messages.error(request, "The statements can be changed by whoever holds this text. Take it first.")
    keep_typed(request, shown)
    return again(request, shown.review.pk, status=409)
