"""Tokens of the REST API: leads make and revoke them. A key is on one page, once, and stored nowhere."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from recommender.accounts import tokens as services
from reviews.guards import account_of, requires
from reviews.pages.tokens.forms import TokenForm
from reviews.policy import Action

SHOWN = 200


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.MANAGE_TOKENS)
def tokens(request: HttpRequest) -> HttpResponse:
    """The tokens one may see; POST makes one and shows its key in the answer, so that no session ever holds it."""
    account, key = account_of(request), ""
    form = TokenForm(request.POST if request.method == "POST" else None, account=account)
    if form.is_valid():
        chosen = form.cleaned_data
        _, key = services.create_token(
            chosen["name"],
            account=account,
            expires_at=timezone.now() + timedelta(days=chosen["days"]) if chosen["days"] else None,
            scopes=chosen["scopes"],
            catalog=chosen["catalog"],
            per_minute=chosen["per_minute"],
        )
        form = TokenForm(account=account)
    made = services.visible_to(account).select_related("created_by", "catalog").order_by("-pk")[:SHOWN]
    context = {"form": form, "key": key, "tokens": made, "now": timezone.now()}
    return render(request, "tokens/tokens.html", context, status=422 if form.errors else 200)


@require_POST
@requires(Action.MANAGE_TOKENS)
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(services.visible_to(account_of(request)), pk=token_id)
    services.revoke(token)
    messages.success(request, f"The token {token} is revoked. Programs that use it get no answers any more.")
    return redirect("reviews:tokens")
