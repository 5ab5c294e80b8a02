"""Webhooks, for leads: who is told of what happens, what became of each message. A secret is on one page, once."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from recommender.accounts.visible import catalogs_of, within
from recommender.models import WebhookDelivery, WebhookEndpoint
from recommender.webhooks import service
from reviews.guards import account_of, requires, visible
from reviews.keyset import page_of
from reviews.pages.webhooks.forms import AddForm, ChangeForm, SecretForm, SinceForm
from reviews.policy import Action

DELIVERIES = 25  # of a page


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.MANAGE_WEBHOOKS)
def webhooks(request: HttpRequest) -> HttpResponse:
    """The endpoints one may see; POST adds one and shows its secret in the answer, so that no session ever holds it."""
    account = account_of(request)
    form = AddForm(request.POST if request.method == "POST" else None, account=account)
    context: dict[str, Any] = {"secret": ""}
    if form.is_valid():
        try:
            context["added"], context["secret"] = service.add(by=account, **form.cleaned_data)
        except service.RefusedError as refused:
            form.add_error(None, str(refused))
        else:
            form = AddForm(account=account)
    known = within(WebhookEndpoint.objects.all(), account).select_related("catalog").order_by("catalog__name", "pk")
    context |= {"form": form, "webhooks": known, "catalogs": catalogs_of(account).exists()}
    return render(request, "webhooks/webhooks.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.MANAGE_WEBHOOKS)
def webhook(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """One endpoint: what it is told of, and every attempt to tell it; POST changes it."""
    endpoint = _endpoint(request, webhook_id)
    form = ChangeForm.of(endpoint, request.POST if request.method == "POST" else None)
    if form.is_valid():
        service.change(endpoint, by=account_of(request), **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("reviews:webhook", endpoint.pk)
    return _shown(request, endpoint, form=form, status=422 if form.errors else 200)


@require_POST
@never_cache
@requires(Action.MANAGE_WEBHOOKS)
def change_secret(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """The answer alone has the new secret."""
    endpoint, form = _endpoint(request, webhook_id), SecretForm(request.POST)
    if not form.is_valid():
        return _shown(request, endpoint, status=422)
    overlap = timedelta(hours=form.cleaned_data["overlap_hours"])
    secret = service.rotate(endpoint, overlap=overlap, by=account_of(request))
    endpoint.refresh_from_db()
    return _shown(request, endpoint, secret=secret)


@require_POST
@requires(Action.MANAGE_WEBHOOKS)
def ping(request: HttpRequest, webhook_id: int) -> HttpResponse:
    endpoint = _endpoint(request, webhook_id)
    try:
        service.ping(endpoint)
        messages.success(request, "A test message is under way. Load this page again in a moment.")
    except service.RefusedError as refused:
        messages.error(request, str(refused))
    return redirect("reviews:webhook", endpoint.pk)


@require_POST
@requires(Action.MANAGE_WEBHOOKS)
def switch(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """On, where it is off; off, where `off` is sent."""
    endpoint, off = _endpoint(request, webhook_id), "off" in request.POST
    service.change(endpoint, enabled=not off, by=account_of(request))
    said = "Switched off. Nothing is sent to it." if off else "Switched on. What waited for it is sent."
    messages.success(request, said)
    return redirect("reviews:webhook", endpoint.pk)


@require_POST
@requires(Action.MANAGE_WEBHOOKS)
def remove(request: HttpRequest, webhook_id: int) -> HttpResponse:
    service.remove(_endpoint(request, webhook_id), by=account_of(request))
    messages.success(request, "Removed, with its log.")
    return redirect("reviews:webhooks")


@require_POST
@requires(Action.MANAGE_WEBHOOKS)
def redeliver(request: HttpRequest, delivery_id: int) -> HttpResponse:
    rows = WebhookDelivery.objects.select_related("endpoint")
    delivery = visible(request, rows, at="endpoint__catalog", pk=delivery_id)
    try:
        service.redeliver(delivery)
        messages.success(request, "It is sent again. Load this page again in a moment.")
    except service.RefusedError as refused:
        messages.error(request, str(refused))
    return redirect("reviews:webhook", delivery.endpoint_id)


@require_POST
@requires(Action.MANAGE_WEBHOOKS)
def redeliver_failed(request: HttpRequest, webhook_id: int) -> HttpResponse:
    endpoint, form = _endpoint(request, webhook_id), SinceForm(request.POST)
    if not form.is_valid():
        return _shown(request, endpoint, status=422)
    try:
        count = service.redeliver_failed(endpoint, since=timezone.now() - timedelta(days=form.cleaned_data["days"]))
    except service.RefusedError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{count} sent again." if count else "Nothing was given up in that time.")
    return redirect("reviews:webhook", endpoint.pk)


def _endpoint(request: HttpRequest, webhook_id: int) -> WebhookEndpoint:
    return visible(request, WebhookEndpoint.objects.select_related("catalog", "created_by"), pk=webhook_id)


def _shown(
    request: HttpRequest,
    endpoint: WebhookEndpoint,
    *,
    form: ChangeForm | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    rows = endpoint.deliveries.select_related("message").prefetch_related("log")
    context = {
        "webhook": endpoint,
        "form": form or ChangeForm.of(endpoint),
        "secret": secret,
        "secret_form": SecretForm(),
        "since_form": SinceForm(),
        "page": page_of(rows, request.GET, by="pk", size=DELIVERIES, latest_first=True),
        "now": timezone.now(),
    }
    return render(request, "webhooks/webhook.html", context, status=status)
