"""Guards in front of views: signed in, allowed to, and looking at what the account may see."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, resolve_url
from django.utils.cache import patch_vary_headers

from recommender.accounts import second_factor
from recommender.accounts.sessions import ran_out
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


def requires(action: Action | None = None, *, before_second_factor: bool = False) -> Callable[[View[P]], View[P]]:
    """Let only signed-in accounts through whose role may do `action`; none: every signed-in account.

    Who has to set up a second factor first is led there, unless the view is open `before_second_factor`.

    Signed out, a page goes to the sign-in page and comes back; an htmx request gets 401 with HX-Redirect, so that no
    sign-in form lands inside a card. Answers vary by HX-Request, because one URL serves pages and fragments.
    """

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            account = account_of(request)
            if not before_second_factor and second_factor.is_missing(account):
                return _to_second_factor(request)
            if action is not None and not may(account.role, action, limited=is_limited(account)):
                raise PermissionDenied(f"Your role may not {action}.")
            response = view(request, *args, **kwargs)
            patch_vary_headers(response, ["HX-Request"])
            return response

        return cast(View[P], guarded)

    return guard


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    back = _current_page(request) if is_htmx(request) else _page_of(request)
    why = {"ended": "idle"} if ran_out(request) else {}
    if not is_htmx(request):
        return redirect(f"{resolve_url('login')}?{urlencode({'next': back} | why, safe='/')}")
    query = urlencode({"next": back} | why)
    return HttpResponse(status=401, headers={"HX-Redirect": f"{resolve_url('login')}?{query}", "Vary": "HX-Request"})


def _to_second_factor(request: HttpRequest) -> HttpResponse:
    if not is_htmx(request):
        return redirect("second_factor")
    return HttpResponse(status=403, headers={"HX-Redirect": resolve_url("second_factor"), "Vary": "HX-Request"})


def _page_of(request: HttpRequest) -> str:
    """After signing in one can only go back to an address that answers GET: for a form, to the page it was on."""
    if request.method == "GET":
        return request.get_full_path()
    page = urlsplit(request.headers.get("Referer", ""))
    is_ours = page.netloc == request.get_host() and page.path.startswith("/")
    return urlunsplit(("", "", page.path, page.query, "")) if is_ours else resolve_url("home")


def _current_page(request: HttpRequest) -> str:
    """The path of the page that holds the fragment; the sign-in view checks it again."""
    from_htmx = getattr(request, "htmx", None)
    return (from_htmx and from_htmx.current_url_abs_path) or resolve_url("home")
