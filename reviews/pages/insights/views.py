"""Pages for PMs: find an end user, see their list and why it is so. They only read."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from recommender.accounts.visible import catalogs_of
from recommender.models import Erasure, SubjectKind
from recommender.serving.queries import end_user_named
from recommender.serving.rankers import DEFAULT
from recommender.serving.rollout import active_in
from reviews.guards import account_of, requires
from reviews.pages.filters import FindForm
from reviews.pages.insights import queries
from reviews.pages.insights.forms import LENGTHS, ListForm
from reviews.policy import Action, may


@require_safe
@never_cache
@requires(Action.BROWSE_EXPLANATIONS)
def find(request: HttpRequest) -> HttpResponse:
    """Choose a catalog and an end user. The whole id opens the end user's page at once."""
    account = account_of(request)
    first = catalogs_of(account).first()
    if first is None:
        return render(request, "insights/find.html", {"catalog": None})
    asked = {"catalog": first.name} | request.GET.dict()
    form = FindForm(asked, account=account, label="User's id, or an item's title or keyword")
    if not form.is_valid():
        return render(request, "insights/find.html", {"form": form, "catalog": first, "end_users": []}, status=422)
    catalog, text = form.cleaned_data["catalog"], form.cleaned_data["q"]
    if text and end_user_named(catalog.name, text, asker=account):
        return redirect("reviews:insights_end_user", catalog.name, text)
    context = {
        "form": form,
        "catalog": catalog,
        "text": text,
        "backbone": active_in(catalog).version,
        "end_users": queries.matching(catalog, text) if text else queries.examples(catalog),
        "items": queries.items_matching(catalog, text) if text else [],
        "most": queries.FOUND,
        "may_erase": may(account_of(request).role, Action.ERASE),
    }
    return render(request, "insights/find.html", context)


@require_safe
@never_cache
@requires(Action.BROWSE_EXPLANATIONS)
def end_user(request: HttpRequest, catalog: str, user_id: str) -> HttpResponse:
    """One end user's list with its reasons, their history beside it."""
    account = account_of(request)
    found = end_user_named(catalog, user_id, asker=account)
    may_erase = may(account.role, Action.ERASE)
    if found is None:
        of = catalogs_of(account).filter(name=catalog).first()
        receipt = of and Erasure.objects.named(of, SubjectKind.END_USER, user_id)
        if receipt is None:
            raise Http404("There is no such user in this catalog.")
        return render(request, "erasure/gone.html", {"receipt": receipt if may_erase else None}, status=410)
    form = ListForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    scored_by = queries.scored_by(found)
    limit, by = chosen.get("limit") or LENGTHS[0], chosen.get("by") or DEFAULT
    case = queries.case(found, limit=limit, scenario=by)
    context = {
        "case": case,
        "by": by,
        "is_scored": scored_by is not None,
        "scorer_label": queries.scorer_label(case, scored_by),
        "catalog": found.catalog,
        "limit": limit,
        "lengths": LENGTHS,
        "may_erase": may_erase,
        "may_ask": may(account.role, Action.OPEN_ROUNDS),
        "may_review": may(account.role, Action.SEE_QUEUE),
    }
    return render(request, "insights/end_user.html", context)
