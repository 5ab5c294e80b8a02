"""Guards in front of views: signed in, allowed to, and looking at what the account may see."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode

from recommender.accounts.visible import is_limited, within
from recommender.models import Account
from reviews.policy import Action, may

P = ParamSpec("P")
M = TypeVar("M", bound=Model)
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def account_of(request: HttpRequest) -> Account:
    """The signed-in account, behind a guard."""
    return cast(Account, request.user)


def visible(request: HttpRequest, rows: QuerySet[M], *, at: str = "catalog", **lookup: Any) -> M:
    """The row of `rows` that is asked for, behind a guard. Outside the account's catalogs there is none: Http404.

    `at`: the path from a row to its catalog.
    """
    return get_object_or_404(within(rows, account_of(request), at=at), **lookup)


def requires(action: Action | None = None) -> Callable[[View[P]], View[P]]:
    """Let only signed-in accounts through whose role may do `action`; none: every signed-in account.

    Signed out, a page goes to the sign-in page and comes back; an htmx request gets 401 with HX-Redirect, so that no
    sign-in form lands inside a card. Answers vary by HX-Request, because one URL serves pages and fragments.
    """

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            account = account_of(request)
            if action is not None and not may(account.role, action, limited=is_limited(account)):
                raise PermissionDenied(f"Your role may not {action}.")
            response = view(request, *args, **kwargs)
            patch_vary_headers(response, ["HX-Request"])
            return response

        return cast(View[P], guarded)

    return guard


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    # After signing in one can only go back to an address that answers GET.
    back = request.get_full_path() if request.method == "GET" else resolve_url("home")
    if not is_htmx(request):
        return redirect_to_login(back)
    query = urlencode({"next": _current_page(request)})
    return HttpResponse(status=401, headers={"HX-Redirect": f"{resolve_url('login')}?{query}", "Vary": "HX-Request"})


def _current_page(request: HttpRequest) -> str:
    """The path of the page that holds the fragment; the sign-in view checks it again."""
    from_htmx = getattr(request, "htmx", None)
    return (from_htmx and from_htmx.current_url_abs_path) or resolve_url("home")
