"""The card page: one review, its verdicts, and the hold on it. Each address answers htmx and plain forms."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from recommender.models import Judgement, Statement, Turn
from recommender.times import written
from reviews.choices import ReviewState
from reviews.guards import account_of, is_htmx, requires
from reviews.models import Decision, Review, Slot, Unsent
from reviews.policy import Action, may
from reviews.room import conflict, decisions, leases, undo, unsent
from reviews.room.attention import measured
from reviews.room.card import Card, card, of_slots
from reviews.room.diff import word_diff
from reviews.room.forms import DecisionForm
from reviews.room.leases import Stale, StaleReviewError
from reviews.room.stream import Stream
from reviews.room.undo import CannotUndoError, Given
from reviews.room.use import use_of

READ_AGAIN = 3  # times that a decision is made anew when somebody does the same in the same instant


@require_safe
@never_cache
@requires(Action.SEE_QUEUE)
def review(request: HttpRequest, review_id: int) -> HttpResponse:
    shown = card_of(request, review_id)
    beside = bool(shown.slot) and leases.holds_another(account_of(request), than=shown.review, now=shown.now)
    return render(request, "reviews/review.html", context_of(request, shown, last=last_of(request), beside=beside))


@require_POST
@never_cache
@requires(Action.DECIDE)
def decide(request: HttpRequest, review_id: int) -> HttpResponse:
    """422 when the form is not complete, 409 when it came too late; both keep what was typed."""
    for _ in range(READ_AGAIN - 1):
        try:
            return _decide(request, review_id)
        except IntegrityError:
            continue
    return _decide(request, review_id)


def _decide(request: HttpRequest, review_id: int) -> HttpResponse:
    account, now = account_of(request), timezone.now()
    typed = unsent.of(account)
    shown = card_of(request, review_id, typed=typed)
    form = DecisionForm(request.POST, card=shown)
    if not form.is_valid():
        if form.is_late:  # what is wrong with it was measured at another text than it was meant for
            return _late(request, shown, form, decisions.too_late(shown.review).stale)
        keep_typed(request, shown)
        return again(request, review_id, status=422, form=form)
    try:
        decided = decisions.decide(
            shown.review,
            account=account,
            verdict=form.given.name,
            seen=form.seen,
            lease_token=form.cleaned_data["lease_token"],
            text=form.text,
            reason=form.reason,
            draft=form.draft.text.turn.index if form.draft else None,
            judgement=form.given.judgement or Judgement.NOT_REASONABLE,
            measured=measured(request.POST),
            stream=shown.stream,
            holds_another=request.POST.get("beside") != "",  # as the card was told
            slots=shown.slots,
            now=now,
        )
    except StaleReviewError as error:
        return _late(request, shown, form, error.stale)
    if shown.unsent:
        unsent.forget(shown.review, account)
    if form.given.state_after == ReviewState.OPEN:
        keep_typed(request, shown, but=form.told)
    said = form.given.said.format(heading=shown.heading, draft=form.draft and form.draft.number)
    last = Given(decided.decision)
    if decided.next and decided.next.review_id == review_id:
        return _go_on(
            request, None, at=review_id, focused=last.decision.turn, said=said, last=last, stream=shown.stream
        )
    return _go_on(request, decided.next, said=said, last=last, stream=shown.stream, typed=typed)


@require_POST
@requires(Action.DECIDE)
def skip(request: HttpRequest, review_id: int) -> HttpResponse:
    account, now, shown = account_of(request), timezone.now(), card_of(request, review_id)
    keep_typed(request, shown)
    leases.skip(shown.review, account=account, now=now)
    said = "Skipped: you will not see that text for an hour; others will."
    following = leases.take_next(account, stream=shown.stream, now=now)
    return _go_on(request, following, said=said, last=last_of(request), stream=shown.stream, skipped=review_id)


@require_POST
@requires(Action.DECIDE)
def take(request: HttpRequest, review_id: int) -> HttpResponse:
    """Take this very review instead of the next one, also one that was just skipped; what is typed beside is kept."""
    review, account = _review(request, review_id), account_of(request)
    in_hand = _in_hand(request)
    if in_hand is not None:
        keep_typed(request, in_hand)
    if leases.take(review, account=account, now=timezone.now()):
        leases.unskip(account, review)
    else:
        messages.warning(request, _not_taken(card_of(request, review_id)))
    return _to(request, address_of(review_id, Stream.of(request.POST, account)))


@require_POST
@requires(Action.DECIDE)
def release(request: HttpRequest, review_id: int) -> HttpResponse:
    shown = card_of(request, review_id)
    kept = keep_typed(request, shown)
    leases.release(shown.review, account=account_of(request))
    words = " What you typed is kept for you." if kept else ""
    messages.info(request, f"Stopped. The text is free for others.{words}")
    address = reverse("reviews:queue") + shown.stream.query
    return HttpResponse(headers={"HX-Redirect": address}) if is_htmx(request) else redirect(address)


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
    return render(request, "card/lease.html", context, status=200 if until else 409, using="card")


@require_POST
@never_cache
@requires(Action.DECIDE)
def keep_unsent(request: HttpRequest, review_id: int) -> HttpResponse:
    """Keep what is typed while it is typed: which fields now hold words, and since when."""
    shown, account, now = card_of(request, review_id), account_of(request), timezone.now()
    version = request.POST.get("version", "")
    if version.isdecimal() and unsent.is_late(shown.review, account, version=int(version[:9])):
        return JsonResponse({"kept": [], "at": None})
    return JsonResponse({"kept": sorted(keep_typed(request, shown)), "at": written(now)})


@require_POST
@requires(Action.DECIDE)
def discard_unsent(request: HttpRequest, review_id: int) -> HttpResponse:
    """Forget what is typed and not sent."""
    unsent.forget(_review(request, review_id), account_of(request))
    messages.info(request, "What you had typed is discarded.")
    return redirect(address_of(review_id, Stream.of(request.POST, account_of(request))))


@require_POST
@requires(Action.DECIDE)
def reopen(request: HttpRequest, review_id: int) -> HttpResponse:
    account, shown = account_of(request), card_of(request, review_id)
    if not shown.may_reopen or not decisions.reopen(shown.review, account=account, now=timezone.now()):
        messages.error(request, _not_reopened(card_of(request, review_id)))
    else:
        messages.info(request, "You can decide again. Until you do, everything stays as it was.")
    return redirect(address_of(review_id, shown.stream))


@require_POST
@never_cache
@requires(Action.DECIDE)
def take_back(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Undo one of one's last decisions. The card in hand stays in hand, with what is typed into it."""
    account, now = account_of(request), timezone.now()
    in_hand, stream = _in_hand(request), Stream.of(request.POST, account)
    if in_hand is not None:
        keep_typed(request, in_hand)
    try:
        undone, slot = undo.undo(decision_id, account=account, now=now)
    except CannotUndoError as error:
        messages.error(request, f"This cannot be undone. {error}")
        back = in_hand.review.pk if in_hand else None
        return _to(request, address_of(back, stream) if back else reverse("reviews:last") + stream.query)
    shown = card_of(request, undone.review_id)
    words = undo.words_of(undone, shown)
    later = {name: kept.text for name, kept in shown.unsent.items() if words.get(name, kept.text) != kept.text}
    values = words | later  # what was typed since, on another page, is not written over
    unsent.keep(shown.review, account=account, fields=shown.fields.values(), values=values, now=now)
    if later:
        sent = " · ".join(f"“{words[name]}”" for name in later)
        messages.info(request, f"In its box is what you typed since. What you had sent was: {sent}")
    rest = " The text that you had in hand comes next." if in_hand and in_hand.review.pk != undone.review_id else ""
    said = f"Undone: {shown.heading} is open again, as it was.{rest}"
    if slot is None:
        messages.info(request, said)
        return _to(request, address_of(undone.review_id, stream))
    here, last = undone.review_id, last_of(request)
    return _go_on(request, None, at=here, said=said, last=last, stream=stream, beside=in_hand is not None)


@require_safe
@never_cache
@requires(Action.DECIDE)
def last(request: HttpRequest) -> HttpResponse:
    """What one decided last, to come back to it."""
    account = account_of(request)
    context = {"given": undo.last(account), "most": undo.LAST, "stream": Stream.of(request.GET, account)}
    return render(request, "reviews/last.html", context)


def _review(request: HttpRequest, review_id: int) -> Review:
    return get_object_or_404(Review.objects.visible_to(account_of(request)), pk=review_id)


def card_of(request: HttpRequest, review_id: int, *, typed: Sequence[Unsent] | None = None) -> Card:
    stream = Stream.of(request.POST if request.method == "POST" else request.GET, account_of(request))
    try:
        return card(review_id, viewer=account_of(request), stream=stream, now=timezone.now(), typed=typed)
    except Review.DoesNotExist as error:
        raise Http404("No such review.") from error


def _in_hand(request: HttpRequest) -> Card | None:
    """The card that a form was sent from, if it was one."""
    sent_from = request.POST.get("review", "")
    if not sent_from.isdecimal() or len(sent_from) > 18:
        return None
    try:
        return card_of(request, int(sent_from))
    except Http404:
        return None


def last_of(request: HttpRequest) -> Given | None:
    return next(iter(undo.last(account_of(request), most=1)), None)


def keep_typed(request: HttpRequest, shown: Card, *, but: str = "") -> dict[str, str]:
    """Keep on the server what was typed and not sent. `but`: the field that was sent, and is forgotten."""
    values = {name: request.POST[name] if name != but else "" for name in shown.fields if name in request.POST}
    return unsent.keep(
        shown.review, account=shown.viewer, fields=shown.fields.values(), values=values, now=timezone.now()
    )


def context_of(
    request: HttpRequest, shown: Card, *, form: DecisionForm | None = None, last: Given | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "card": shown,
        "form": form,
        "last": last,
        "plain": request.GET.get("diff") == "plain",
        "use": use_of(shown.review.round) if shown.decisions else None,
        "may_see_backbones": may(shown.viewer.role, Action.SEE_BACKBONES),
        **more,
    }


def answer(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    if is_htmx(request):
        return render(request, "card/answer.html", context, status=status, using="card")
    return render(request, "reviews/review.html", context, status=status)


def again(
    request: HttpRequest, review_id: int, *, status: int = 200, at: Statement | None = None, **more: Any
) -> HttpResponse:
    """The same card, read anew, after what did not end it. `at`: the statement to go on at, which has the focus.

    A browser without JavaScript is sent to the card's address where all went well: to reload there, or to come back
    to it, sends nothing a second time.
    """
    shown = card_of(request, review_id)
    number = next((one.number for one in shown.statements if at is not None and one.row.pk == at.pk), None)
    if status == 200 and not is_htmx(request):
        place = f"#statement-{number}" if number else ""
        return redirect(address_of(review_id, shown.stream) + place)
    beside = request.POST.get("beside") != ""  # as the card was told
    context = context_of(request, shown, last=last_of(request), beside=beside, at=number, **more)
    return answer(request, context, status=status)


def address_of(review_id: int, stream: Stream) -> str:
    return reverse("reviews:review", args=[review_id]) + stream.query


def _to(request: HttpRequest, address: str) -> HttpResponse:
    return HttpResponse(headers={"HX-Redirect": address}) if is_htmx(request) else redirect(address)


def _go_on(
    request: HttpRequest,
    slot: Slot | None,
    *,
    said: str,
    last: Given | None,
    stream: Stream,
    at: int | None = None,
    focused: Turn | None = None,
    typed: Sequence[Unsent] | None = None,
    beside: bool = False,
    skipped: int | None = None,
) -> HttpResponse:
    """The next card, or the queue when there is none. Read anew: nothing is patched.

    `at`: a review to be at, instead of a slot; `focused`: the draft of it that was decided about. `typed`: as for
    `card`. `beside`: whether another review is held besides. `skipped`: the review that was just passed over.
    """
    review_id = slot.review_id if slot else at
    if not is_htmx(request) or review_id is None:
        messages.success(request, said)
        return _to(request, address_of(review_id, stream) if review_id else reverse("reviews:queue") + stream.query)
    viewer, now = account_of(request), timezone.now()
    shown = (
        of_slots([slot], viewer=viewer, stream=stream, now=now, typed=typed) if slot else card_of(request, review_id)
    )
    response = answer(
        request, context_of(request, shown, focused=focused, last=last, said=said, beside=beside, skipped=skipped)
    )
    response["HX-Push-Url"] = address_of(review_id, stream)
    return response


def _not_taken(shown: Card) -> str:
    if shown.holder is not None:
        return f"{shown.holder.leased_by} was faster and has this text now."
    is_done = shown.review.state == ReviewState.DONE
    return "This text is decided already." if is_done else "This text is being rewritten."


def _not_reopened(shown: Card) -> str:
    if shown.review.state == ReviewState.OPEN:
        return "This text is open already."
    by = conflict.who(shown.decisions[-1].account, shown.viewer) if shown.decisions else "Nobody"
    return f"You cannot decide this again: {by} did last. A lead can open it again."


def _late(request: HttpRequest, shown: Card, form: DecisionForm, stale: Stale) -> HttpResponse:
    last = Decision.objects.filter(review=shown.review).select_related("made_turn").order_by("pk").last()
    is_again = conflict.is_repeated(
        last,
        account=shown.viewer,
        given=form.given,
        seen=form.seen,
        text=form.text,
        draft=form.draft.text.turn.pk if form.draft else None,
    )
    return _once(request, shown, form) if is_again else _too_late(request, shown, form, stale)


def _once(request: HttpRequest, shown: Card, form: DecisionForm) -> HttpResponse:
    """On from what was taken already, as the first press went on: nobody has to be told that they pressed twice."""
    said = form.given.said.format(heading=shown.heading, draft=form.draft and form.draft.number)
    if form.given.state_after == ReviewState.OPEN:
        return _go_on(request, None, at=shown.review.pk, said=said, last=last_of(request), stream=shown.stream)
    following = leases.take_next(account_of(request), stream=shown.stream, after=shown.review, now=timezone.now())
    return _go_on(request, following, said=said, last=last_of(request), stream=shown.stream)


def _too_late(request: HttpRequest, shown: Card, form: DecisionForm, stale: Stale) -> HttpResponse:
    """The card as it is now, held for the annotator again where that is possible, and what they typed beside it."""
    keep_typed(request, shown)
    leases.take(shown.review, account=account_of(request), now=timezone.now())
    now_there = card_of(request, shown.review.pk)
    edit = now_there.unsent.get(form.told) if form.given.box and form.given.box.field == "text" else None
    compared = (
        word_diff(now_there.fields[form.told].start, edit.text) if edit and form.told in now_there.fields else None
    )
    told = conflict.of_card(
        stale,
        now_there,
        pressed=form.given.pressed(kept=shown.kept, draft=form.draft.number if form.draft else None),
        seen=form.seen,
        since=measured(request.POST).shown_at,
    )
    context = context_of(request, now_there, form=form, stale=told, compared=compared, last=last_of(request))
    return answer(request, context, status=409)
