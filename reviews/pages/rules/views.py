"""Business rules: those in force, upcoming and ended, for PMs; leads set and end them, by the functions of REST."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from recommender.accounts.visible import catalogs_of
from recommender.models import Account, Catalog, Rule
from recommender.serving import rules as service
from reviews.guards import account_of, requires, visible
from reviews.pages.filters import CatalogFilter
from reviews.pages.rules import queries as select
from reviews.pages.rules.forms import SCENARIOS, RuleForm, as_sent
from reviews.policy import Action, may

ROWS = 50


@require_safe
@never_cache
@requires(Action.SEE_RULES)
def rules(request: HttpRequest) -> HttpResponse:
    """One state's rules. `ended` and `until`: the rule that was just ended, and when it was to end."""
    filters, account, now = CatalogFilter(request), account_of(request), timezone.now()
    catalog = filters.chosen
    state = request.GET.get("state", "")
    state = state if state in select.STATES else "now"
    known = select.rules(account, catalog)
    counts = select.counts(known, now=now)
    may_set = may(account.role, Action.SET_RULES)
    shown = Paginator(select.in_state(known, state, now=now), ROWS).get_page(request.GET.get("page"))
    context = {
        "filters": filters,
        "is_filtered": catalog is not None,
        "catalog": catalog,
        "has_catalogs": catalogs_of(account).exists(),
        "state": state,
        "tabs": [(name, label, counts[name]) for name, label in select.STATES.items()],
        "any": sum(counts.values()),
        "page": shown,
        "rows": [(rule, SCENARIOS.get(rule.scenario, rule.scenario), _once_more(rule)) for rule in shown],
        "ended": _just_ended(request, account) if may_set else None,
        "may_set": may_set,
    }
    return render(request, "rules/rules.html", context)


def _once_more(rule: Rule) -> str:
    """The form's query for a rule like this one, from now on."""
    return urlencode({name: value for name, value in as_sent(rule).items() if name not in ("since", "until")})


def _just_ended(request: HttpRequest, account: Account) -> tuple[Rule, dict[str, Any]] | None:
    """The rule that was just ended, with what sets it again as it was."""
    named = request.GET.get("ended", "")
    if not (named.isdecimal() and len(named) <= 18):
        return None
    rule = select.rules(account).filter(pk=int(named), until__lte=timezone.now()).first()
    return (rule, as_sent(rule) | {"until": request.GET.get("until", "")}) if rule else None


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.SET_RULES)
def set_rule(request: HttpRequest) -> HttpResponse:
    """POST sets one; with `find` it only looks for the item. The address may bring what the form begins with."""
    account, sent = account_of(request), request.POST if request.method == "POST" else None
    catalogs = catalogs_of(account)
    named = (sent or request.GET).get("catalog", "")
    chosen = catalogs.filter(name=named).first() or catalogs.first()
    first = {"catalog": chosen.name if chosen else None, "kind": "pin", "place": 1}
    form = RuleForm(sent, initial=first | request.GET.dict(), account=account)
    if sent is not None and "find" not in sent and form.is_valid():
        catalog, wanted = form.cleaned_data["catalog"], form.wanted
        about = Rule.objects.filter(catalog=catalog, scenario=wanted.scenario, item__external_id=wanted.item_id)
        before = service.standing(about, at=max(wanted.since or timezone.now(), timezone.now()))
        try:
            made, refused = service.put(catalog, [wanted], by=account)
        except service.EndedError:
            form.add_error("until", "A rule ends after now, and after it begins.")
        else:
            if made and not refused:
                messages.success(request, _told(made[0], before))
                return redirect(_address(catalog, "later" if made[0].since and made[0].since > timezone.now() else ""))
            form.add_error("item", "It is gone meanwhile.")
    if sent is not None and "find" in sent:
        form.is_valid()
        return render(request, "rules/set.html", _found_alone(form, sent, account, chosen))
    context = {"form": form, "found": form.found, "chosen": form.chosen, "catalog": chosen}
    return render(request, "rules/set.html", context, status=422 if form.errors else 200)


def _found_alone(form: RuleForm, sent: Any, account: Account, catalog: Catalog | None) -> dict[str, Any]:
    """The form with what was typed, not judged yet, and the items that were found."""
    again = RuleForm(initial=sent.dict(), account=account)
    looked_for = bool(sent.get("item"))
    return {
        "form": again,
        "found": form.found,
        "chosen": form.chosen,
        "catalog": catalog,
        "nothing": looked_for and not form.found.items,
    }


def _told(rule: Rule, before: Rule | None) -> str:
    """`before`: the rule that it takes the place of when it begins."""
    said = f"Set: “{rule.item.title}” {_does(rule)}."
    if not (rule.since and rule.since > timezone.now()):
        return f"{said} It took the place of an earlier rule." if before else said
    said = f"{said} It begins on {rule.since:%-d %b %Y, %H:%M} UTC."
    return f"{said} Until then the rule before it goes on: it {_does(before)}." if before else said


def _does(rule: Rule) -> str:
    return f"stands at place {rule.place}" if rule.place else str(rule.get_kind_display())


@require_safe
@never_cache
@requires(Action.SET_RULES)
def items(request: HttpRequest) -> HttpResponse:
    """The items that a typed text may mean, while it is typed."""
    catalog = catalogs_of(account_of(request)).filter(name=request.GET.get("catalog", "")).first()
    text = request.GET.get("item", "").strip()
    found = select.meant_by(catalog, text) if catalog else select.Found()
    context = {"found": found, "chosen": found.sure, "nothing": bool(catalog and text) and not found.items}
    return render(request, "rules/_items.html", context)


@require_POST
@requires(Action.SET_RULES)
def end(request: HttpRequest, rule_id: int) -> HttpResponse:
    rule = visible(request, Rule.objects.select_related("catalog"), pk=rule_id)
    before = service.end(rule.catalog, rule.pk, by=account_of(request))
    if before is None:
        messages.info(request, "It had ended already.")
        return redirect(_address(rule.catalog, "ended"))
    return redirect(_address(rule.catalog, request.POST.get("state", ""), ended=before.pk, until=before.until))


def _address(catalog: Catalog, state: str, *, ended: int | None = None, until: datetime | None = None) -> str:
    told = {"catalog": catalog.name, "state": state, "ended": ended, "until": until.isoformat() if until else None}
    return f"{reverse('reviews:rules')}?{urlencode({name: value for name, value in told.items() if value})}"
