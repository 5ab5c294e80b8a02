"""The guidelines: read by who reviews, written by leads."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from recommender.rounds.core import prose
from reviews.guards import account_of, is_htmx, requires
from reviews.models import Guideline
from reviews.policy import Action, may
from reviews.room import guidelines as service
from reviews.room.diff import word_diff
from reviews.room.guidelines import ChangedMeanwhileError

VERSIONS = 50  # that are listed


class GuidelineForm(forms.Form):
    after = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    text = forms.CharField(
        label="Guidelines", max_length=service.LONGEST, widget=forms.Textarea(attrs={"rows": 18, "dir": "auto"})
    )

    def clean_text(self) -> str:
        text = str(self.cleaned_data["text"]).replace("\r\n", "\n").strip()
        if prose.is_blank(text):
            raise forms.ValidationError("Write what annotators should go by.")
        return text


@require_safe
@never_cache
@requires(Action.SEE_QUEUE)
def guidelines(request: HttpRequest) -> HttpResponse:
    """The version in force, or the one that is asked for. htmx gets the text alone, for the card's dialog."""
    shown = latest = service.latest()
    if asked := request.GET.get("version", ""):
        number = int(asked) if asked.isdecimal() and len(asked) < 10 else -1
        shown = Guideline.objects.select_related("account").filter(number=number).first()
        if shown is None:
            raise Http404("There is no such version.")
    context: dict[str, Any] = {"guideline": shown, "latest": latest}
    if is_htmx(request):
        return render(request, "guidelines/_guideline.html", context)
    before = Guideline.objects.filter(number__lt=shown.number).order_by("-number").first() if shown else None
    context |= {
        "changes": word_diff(before.text, shown.text) if shown and before else None,
        "before": before,
        "versions": Guideline.objects.select_related("account").defer("text").order_by("-number")[:VERSIONS],
        "may_write": may(account_of(request).role, Action.WRITE_GUIDELINES),
    }
    return render(request, "guidelines/guidelines.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Action.WRITE_GUIDELINES)
def write(request: HttpRequest) -> HttpResponse:
    """422 where nothing is written, 409 where somebody was faster; both keep what was typed."""
    latest = service.latest()
    if request.method != "POST":
        start = {"after": latest.number if latest else 0, "text": latest.text if latest else service.SUGGESTED}
        return render(request, "guidelines/write.html", {"form": GuidelineForm(initial=start), "latest": latest})
    form = GuidelineForm(request.POST)
    if not form.is_valid():
        return render(request, "guidelines/write.html", {"form": form, "latest": latest}, status=422)
    text, after = form.cleaned_data["text"], form.cleaned_data["after"]
    try:
        written = service.write(text, after=after, account=account_of(request))
    except ChangedMeanwhileError:
        newer = service.latest()
        number = newer.number if newer else 0
        context = {
            "form": GuidelineForm({"after": number, "text": text}),
            "latest": newer,
            "compared": word_diff(newer.text if newer else "", text),
        }
        return render(request, "guidelines/write.html", context, status=409)
    messages.success(request, f"Version {written.number} of the guidelines counts from now on.")
    return redirect("reviews:guidelines")
