"""The card page: one review, its verdicts, and the hold on it. Each address answers htmx and plain forms."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from recommender.models import Judgement, Turn
from reviews.guards import account_of, is_htmx, requires
from reviews.models import Decision, Review, Slot
from reviews.policy import Action, may
from reviews.room import decisions, leases
from reviews.room.card import Card, card
from reviews.room.diff import word_diff
from reviews.room.forms import DecisionForm
from reviews.room.leases import Stale, StaleReviewError
from reviews.room.use import use_of
from reviews.room.verdicts import VerdictRow


@require_safe
@never_cache
@requires(Action.SEE_QUEUE)
def review(request: HttpRequest, review_id: int) -> HttpResponse:
    return render(request, "reviews/review.html", _context(request, _card(request, review_id)))


@require_POST
@never_cache
@requires(Action.DECIDE)
def decide(request: HttpRequest, review_id: int) -> HttpResponse:
    """422 when the form is not complete, 409 when it came too late; both keep what was typed."""
    shown = _card(request, review_id)
    proposed = shown.proposal.text if shown.proposal else ""
    form = DecisionForm(request.POST, strategy=shown.review.round.strategy, proposal=proposed, drafts=shown.draft_texts)
    if not form.is_valid():
        return _answer(request, _context(request, shown, form=form), status=422)
    try:
        decided = decisions.decide(
            shown.review,
            account=account_of(request),
            verdict=form.given.name,
            seen=form.seen,
            lease_token=form.cleaned_data["lease_token"],
            text=form.verdict_text,
            reason=form.cleaned_data["reason"],
            draft=form.cleaned_data["draft"],
            judgement=form.given.judgement or Judgement.NOT_REASONABLE,
            now=timezone.now(),
        )
    except StaleReviewError as error:
        return _too_late(request, review_id, form, error.stale)
    messages.success(request, _said(shown, form.given, decided.decision.turn))
    return _go_on(request, decided.next, acted_on=decided.decision)


def _said(shown: Card, given: VerdictRow, about: Turn) -> str:
    """What the page says when it is done."""
    number = next((draft.number for draft in shown.drafts if draft.text.turn == about), None)
    return given.said.format(heading=shown.heading, draft=number)


@require_POST
@requires(Action.DECIDE)
def skip(request: HttpRequest, review_id: int) -> HttpResponse:
    account, now = account_of(request), timezone.now()
    leases.skip(_review(request, review_id), account=account, now=now)
    messages.info(request, "Skipped: you will not see that text for an hour; others will.")
    return _go_on(request, leases.take_next(account, now=now))


@require_POST
@requires(Action.DECIDE)
def take(request: HttpRequest, review_id: int) -> HttpResponse:
    """Take this very review instead of the next one."""
    if not leases.take(_review(request, review_id), account=account_of(request), now=timezone.now()):
        messages.warning(request, "Somebody else was faster and has this text now.")
    return redirect("reviews:review", review_id)


@require_POST
@requires(Action.DECIDE)
def release(request: HttpRequest, review_id: int) -> HttpResponse:
    leases.release(_review(request, review_id), account=account_of(request))
    messages.info(request, "Stopped. The text is free for others.")
    return redirect("reviews:queue")


@require_POST
@requires(Action.DECIDE)
def renew(request: HttpRequest, review_id: int) -> HttpResponse:
    """The page's heartbeat: hold the review for another while. 409 when somebody else has it by now."""
    review_, now = _review(request, review_id), timezone.now()
    token = request.POST.get("lease_token", "")
    until = leases.renew(review_, account=account_of(request), lease_token=token, now=now)
    if not is_htmx(request):
        return redirect("reviews:review", review_id)
    seconds_left = int((until - now).total_seconds()) if until else 0
    context = {"review": review_, "until": until, "seconds_left": seconds_left, "lease_token": token}
    return render(request, "reviews/_lease.html", context, status=200 if until else 409)


@require_POST
@requires(Action.DECIDE)
def reopen(request: HttpRequest, review_id: int) -> HttpResponse:
    account, shown = account_of(request), _card(request, review_id)
    if not shown.may_reopen or not decisions.reopen(shown.review, account=account, now=timezone.now()):
        messages.error(request, "You cannot decide this again: somebody else did last.")
    else:
        messages.info(request, "You can decide again. Until you do, everything stays as it was.")
    return redirect("reviews:review", review_id)


def _review(request: HttpRequest, review_id: int) -> Review:
    return get_object_or_404(Review.objects.visible_to(account_of(request)), pk=review_id)


def _card(request: HttpRequest, review_id: int) -> Card:
    try:
        return card(review_id, viewer=account_of(request), now=timezone.now())
    except Review.DoesNotExist as error:
        raise Http404("No such review.") from error


def _context(request: HttpRequest, shown: Card, *, form: DecisionForm | None = None, **more: Any) -> dict[str, Any]:
    """`typed_text`: what the edit box starts with. Typed text outlives errors; an untouched old proposal does not."""
    draft = str(form["draft"].value() or "") if form else ""
    typed_draft = int(draft) if draft.isdecimal() else None
    proposed = _text_to_edit(shown, typed_draft)
    edit = form["text"].value() if form and shown.is_typed(form["text"].value()) else None
    return {
        "card": shown,
        "form": form,
        "typed_text": proposed if edit is None else edit,
        "typed_verdict": form["verdict"].value() if form else None,
        "typed_draft": typed_draft,
        "plain": request.GET.get("diff") == "plain",
        "use": use_of(shown.review.round) if shown.decisions else None,
        "may_see_backbones": may(shown.viewer.role, Action.SEE_BACKBONES),
        **more,
    }


def _text_to_edit(shown: Card, draft: int | None) -> str:
    """The text that an edit starts from: of a filtered round the draft's, else the proposal."""
    of_draft = (shown.draft_texts or {}).get(-1 if draft is None else draft)
    return of_draft or (shown.proposal.text if shown.proposal else "")


def _answer(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    template = "reviews/_answer.html" if is_htmx(request) else "reviews/review.html"
    return render(request, template, context, status=status)


def _go_on(request: HttpRequest, slot: Slot | None, *, acted_on: Decision | None = None) -> HttpResponse:
    """The next card, or the queue when there is none. Read anew: nothing is patched.

    `acted_on`: where the card stays, because one of its drafts was chosen, that draft gets the focus.
    """
    if not is_htmx(request):
        return redirect("reviews:review", slot.review_id) if slot else redirect("reviews:queue")
    if slot is None:
        return HttpResponse(headers={"HX-Redirect": reverse("reviews:queue")})
    focused = acted_on.turn if acted_on and acted_on.review_id == slot.review_id else None
    response = _answer(request, _context(request, _card(request, slot.review_id), focused=focused))
    response["HX-Push-Url"] = reverse("reviews:review", args=[slot.review_id])
    return response


def _too_late(request: HttpRequest, review_id: int, form: DecisionForm, stale: Stale) -> HttpResponse:
    """The card as it is now, held for the annotator again where that is possible, and what they typed beside it."""
    leases.take(_review(request, review_id), account=account_of(request), now=timezone.now())
    shown = _card(request, review_id)
    data = form.cleaned_data
    edit = data["text"] if shown.is_typed(data["text"]) else ""
    proposed = _text_to_edit(shown, data["draft"])
    context = _context(
        request,
        shown,
        form=form,
        stale=stale,
        typed=edit or data["critique"] or data["reason"],
        compared=word_diff(proposed, edit) if edit and form.given.box and form.given.box.field == "text" else None,
    )
    return _answer(request, context, status=409)
