"""Accounts: leads make them, give them roles, close them, reset passwords and read who did what.

A password is on one page, once.
"""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from recommender.accounts import openid, people, second_factor
from recommender.models import Account, Catalog, Role
from reviews.guards import account_of, requires
from reviews.pages.accounts import queries
from reviews.pages.accounts.forms import AccountForm, CatalogsForm, EmailForm, LogFilter, RoleForm
from reviews.policy import Action

MOST_DIGITS = 18  # of an id


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.MANAGE_ACCOUNTS)
def accounts(request: HttpRequest) -> HttpResponse:
    """All accounts; POST makes one and shows its password in the answer, so that no session ever holds it."""
    form = AccountForm(request.POST or None)
    made = None
    if request.method == "POST" and form.is_valid():
        try:
            chosen = form.cleaned_data
            email = chosen.get("email", "")
            made = people.create(chosen["name"], role=chosen["role"], catalogs=chosen["catalogs"], email=email)
        except people.AccountError as error:
            form.add_error("email" if "e-mail" in str(error) else "name", str(error))
        else:
            form = AccountForm()
    return _page(request, form, made)


@require_POST
@never_cache
@requires(Action.MANAGE_ACCOUNTS)
def reset(request: HttpRequest, account_id: int) -> HttpResponse:
    """A new password, shown in the answer."""
    account = get_object_or_404(Account, pk=account_id)
    try:
        password = people.reset_password(account)
    except people.AccountError as error:
        messages.error(request, str(error))
        return redirect("reviews:accounts")
    return _page(request, AccountForm(), (account, password))


@require_POST
@requires(Action.MANAGE_ACCOUNTS)
def change_role(request: HttpRequest, account_id: int) -> HttpResponse:
    account = get_object_or_404(Account, pk=account_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role.")
        return redirect("reviews:accounts")
    role = Role(form.cleaned_data["role"])
    return _done(request, lambda: people.change_role(account, role), f"{account} is {role.label} now.")


@require_POST
@requires(Action.MANAGE_ACCOUNTS)
def change_catalogs(request: HttpRequest, account_id: int) -> HttpResponse:
    account = get_object_or_404(Account, pk=account_id)
    form = CatalogsForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such catalog. Nothing was changed.")
        return redirect("reviews:accounts")
    chosen = form.cleaned_data["catalogs"]
    seen = ", ".join(str(catalog) for catalog in chosen) or "all catalogs"
    return _done(request, lambda: people.change_catalogs(account, chosen), f"{account} sees {seen} now.")


@require_POST
@requires(Action.MANAGE_ACCOUNTS)
def change_email(request: HttpRequest, account_id: int) -> HttpResponse:
    account = get_object_or_404(Account, pk=account_id)
    form = EmailForm(request.POST)
    if not form.is_valid():
        messages.error(request, "That is no e-mail address. Nothing was changed.")
        return redirect("reviews:accounts")
    email = form.cleaned_data["email"]
    said = f"{account} has the e-mail address {email} now." if email else f"{account} has no e-mail address now."
    return _done(request, lambda: people.change_email(account, email), said)


@require_POST
@requires(Action.MANAGE_ACCOUNTS)
def reset_second_factor(request: HttpRequest, account_id: int) -> HttpResponse:
    """For somebody who has lost the app and the recovery codes. One's own is switched off with a code."""
    account = get_object_or_404(Account, pk=account_id)
    if account == account_of(request):
        messages.error(request, "Switch your own second factor off on its page: that asks for a code.")
    elif second_factor.reset(account):
        messages.success(request, f"{account} has no second factor any more, and signs in with the password alone.")
    else:
        messages.info(request, f"{account} has no second factor.")
    return redirect("reviews:accounts")


@require_POST
@requires(Action.MANAGE_ACCOUNTS)
def close(request: HttpRequest, account_id: int) -> HttpResponse:
    account = get_object_or_404(Account, pk=account_id)
    return _done(
        request, lambda: people.close(account), f"{account} is closed: nobody signs in with it, and its tokens end."
    )


@require_POST
@requires(Action.MANAGE_ACCOUNTS)
def reopen(request: HttpRequest, account_id: int) -> HttpResponse:
    account = get_object_or_404(Account, pk=account_id)
    return _done(request, lambda: people.reopen(account), f"{account} may sign in again.")


@require_safe
@never_cache
@requires(Action.MANAGE_ACCOUNTS)
def log(request: HttpRequest) -> HttpResponse:
    """The audit log, a page at a time."""
    filters = LogFilter(request.GET)
    chosen = filters.cleaned_data if filters.is_valid() else {}
    kind, who = chosen.get("kind", ""), chosen.get("who", "")
    before = request.GET.get("before", "")
    start = int(before) if before.isdecimal() and len(before) <= MOST_DIGITS else None
    found, older = queries.entries(kind=kind, who=who, before=start)
    context = {
        "filters": filters,
        "is_filtered": bool(kind or who),
        "entries": found,
        "older": older,
        "is_newest": start is None,
        "days": settings.AUDIT_DAYS,
        "sign_in_days": settings.AUDIT_SIGN_IN_DAYS,
    }
    return render(request, "accounts/log.html", context)


def _done(request: HttpRequest, act: Callable[[], object], said: str) -> HttpResponse:
    try:
        act()
    except people.AccountError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("reviews:accounts")


def _page(request: HttpRequest, form: AccountForm, made: tuple[Account, str] | None) -> HttpResponse:
    context = {
        "form": form,
        "account": made[0] if made else None,
        "password": made[1] if made else "",
        "accounts": Account.objects.select_related("second_factor")
        .prefetch_related("catalogs")
        .order_by("-is_active", "username"),
        "catalogs": Catalog.objects.order_by("name"),
        "roles": Role.choices,
        "outside": openid.name(),
    }
    return render(request, "accounts/accounts.html", context, status=422 if form.errors else 200)
