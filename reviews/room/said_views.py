"""What users say of themselves and waits for a person: a page of all of it, and the same beside a text."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from recommender.models import Account, Statement
from reviews.guards import account_of, requires
from reviews.policy import Action
from reviews.room import said
from reviews.room.card_views import again, card_of, keep_typed
from reviews.room.conflict import who


@require_safe
@never_cache
@requires(Action.SEE_QUEUE)
def waiting(request: HttpRequest) -> HttpResponse:
    account = account_of(request)
    told = {"said": said.waiting(account), "lately": said.lately(account, timezone.now()), "most": said.MOST}
    return render(request, "reviews/said.html", told)


@require_POST
@never_cache
@requires(Action.DECIDE)
def judge(request: HttpRequest, statement_id: int) -> HttpResponse:
    _judge(request, statement_id)
    return redirect("reviews:said")


@require_POST
@never_cache
@requires(Action.DECIDE)
def judge_on_card(request: HttpRequest, review_id: int, statement_id: int) -> HttpResponse:
    """The same, with what is typed into the card kept."""
    shown = card_of(request, review_id)
    keep_typed(request, shown)
    _judge(request, statement_id)
    return again(request, review_id)


def _judge(request: HttpRequest, statement_id: int) -> None:
    """Raises Http404."""
    account, say = account_of(request), request.POST.get("say", "")
    statement = said.visible(account, statement_id)
    if statement is None:
        raise Http404("There is no such statement of a user.")
    if say not in (said.ACCEPT, said.REFUSE, said.BACK):
        messages.error(request, "Choose whether it is to count.")
    elif not said.judge(statement, say, account=account, now=timezone.now()):
        messages.warning(request, _not_taken_back() if say == said.BACK else _late(statement, account))
    else:
        messages.success(request, _done(statement, say))


def _not_taken_back() -> str:
    return "That cannot be undone: the user has said something else of it since, or somebody decided again."


def _late(statement: Statement, account: Account) -> str:
    """What became of it meanwhile."""
    statement = Statement.objects.select_related("accepted_by", "ended_by").get(pk=statement.pk)
    if statement.ended_by is not None:
        return f"{who(statement.ended_by, account)} refused it already."
    if statement.ended_at is not None:
        return "The user took it back, or said something else."
    return f"{who(statement.accepted_by, account)} accepted it already."


def _done(statement: Statement, say: str) -> str:
    if say == said.REFUSE:
        return "It does not count."
    if say == said.BACK:
        return "Undone: it is as it was before you decided."
    assert statement.end_user is not None, "only what end users say is judged"
    if said.acts(statement, statement.end_user.catalog):
        return "It counts from now on."
    return "Accepted. It moves no list: statements are switched off in this catalog."
