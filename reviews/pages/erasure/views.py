"""Pages for leads: what is kept about a person as a file, erasing a person or an item, and the receipts of that."""

import json

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from recommender.accounts.visible import catalogs_of, within
from recommender.erasure import export, queries, service
from recommender.models import Catalog, EndUser, Erasure, SubjectKind
from reviews.guards import account_of, requires, visible
from reviews.pages.erasure.forms import KINDS, WhomForm
from reviews.policy import Action

RECEIPTS_A_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.ERASE)
def erasures(request: HttpRequest) -> HttpResponse:
    """The receipts, and a form that leads to the page of whom or what is to be erased. Its address holds no id."""
    form = WhomForm(request.POST if request.method == "POST" else None, account=account_of(request))
    if form.is_valid():
        chosen = form.cleaned_data
        return redirect("reviews:erase", chosen["catalog"].name, chosen["kind"], chosen["id"])
    page = Paginator(within(queries.receipts(), account_of(request)), RECEIPTS_A_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "catalogs": catalogs_of(account_of(request)).exists()}
    return render(request, "erasure/erasures.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.ERASE)
def erase(request: HttpRequest, catalog: str, kind: str, external_id: str) -> HttpResponse:
    """What would go, and a button that does it; then the receipt."""
    found = visible(request, Catalog.objects.all(), at="pk", name=catalog)
    if kind not in KINDS:
        raise Http404("Users and items can be erased.")
    subject = queries.find(found, KINDS[kind], external_id)
    if subject is None:
        erased = Erasure.objects.named(found, KINDS[kind], external_id)
        if erased is None:
            raise Http404("There is nothing with this id in this catalog.")
        return redirect("reviews:erasure", erased.pk)
    if request.method == "POST":
        erasure = service.erase(found, KINDS[kind], external_id, by=account_of(request))
        messages.success(request, "Erased. This is the receipt.")
        return redirect("reviews:erasure", erasure.pk)
    context = {
        "subject": subject,
        "is_user": isinstance(subject, EndUser),
        "catalog": found,
        "counts": queries.what_goes(subject),
    }
    return render(request, "erasure/erase.html", context)


@require_safe
@never_cache
@requires(Action.ERASE)
def erasure(request: HttpRequest, erasure_id: int) -> HttpResponse:
    found = visible(request, queries.receipts(), pk=erasure_id)
    context = {"erasure": found, "receipt": queries.receipt(found), "is_user": found.kind == SubjectKind.END_USER}
    return render(request, "erasure/erasure.html", context)


@require_safe
@never_cache
@requires(Action.ERASE)
def export_person(request: HttpRequest, catalog: str, user_id: str) -> HttpResponse:
    """What is kept about a person, to hand over to them."""
    found = queries.find(visible(request, Catalog.objects.all(), at="pk", name=catalog), SubjectKind.END_USER, user_id)
    if not isinstance(found, EndUser):
        raise Http404("There is no such user in this catalog.")
    written = json.dumps(export.of_person(found), ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": 'attachment; filename="person.json"'}
    return HttpResponse(written, content_type="application/json; charset=utf-8", headers=headers)
