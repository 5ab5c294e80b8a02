"""The second factor: its code after the password, and the page where one switches it on and off for oneself."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from recommender.accounts import hashing, one_time, second_factor, throttle
from recommender.accounts.second_factor import Answer
from recommender.models import Account
from recommender.sealed import UnreadableSecretError
from reviews.guards import account_of, requires
from reviews.pages.home import entering
from reviews.pages.home.refusable import Refusable, answered

OFFERED = "second_factor_offered"  # in a session: the secret that is being set up, encrypted
WRONG = "That is not the code that the app shows now."
LONGEST = 40  # characters of a code
CODE_BOX = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}


class CodeForm(Refusable):
    """A code of the app, or a recovery code. `answer`: once it was looked at."""

    code = forms.CharField(label="Code", max_length=LONGEST, widget=forms.TextInput(attrs=CODE_BOX))

    def __init__(self, request: HttpRequest, account: Account, *data: Any, where: str = "") -> None:
        self.request, self.account, self.where = request, account, where
        super().__init__(*data)

    def clean_code(self) -> str:
        """A wrong one counts like a wrong password."""
        code, name = self.cleaned_data["code"], self.account.username
        self.refuse_while_paused(self.request, name)
        self.answer = second_factor.check(self.account, code, where=self.where)
        if self.answer is Answer.UNREADABLE:
            raise ValidationError(
                "The server's key has changed, so that it cannot check codes of your app. Use a recovery code, or ask "
                "a lead to reset your second factor."
            )
        if self.answer is Answer.WRONG:
            throttle.failed(self.request, name)
            raise self.pause_if_due(self.request, name, name) or ValidationError(WRONG)
        if self.answer is Answer.WAITS:
            seconds = second_factor.seconds_to_wait(self.account)
            raise self.pause(seconds, "Too many wrong codes. A recovery code works at once.")
        return str(code)


class SetUpForm(Refusable):
    """The first code of a new app, and the password: somebody else may sit at this browser."""

    password = forms.CharField(
        label="Your password", widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    code = forms.CharField(label="Code that the app shows", max_length=LONGEST, widget=forms.TextInput(attrs=CODE_BOX))

    def __init__(self, request: HttpRequest, *data: Any) -> None:
        self.request, self.account = request, account_of(request)
        super().__init__(*data)
        if not self.account.has_usable_password():
            del self.fields["password"]

    def clean_password(self) -> str:
        """Raises BusyError."""
        password, name = self.cleaned_data["password"], self.account.username
        self.refuse_while_paused(self.request, name)
        if not self.account.check_password(password):
            throttle.failed(self.request, name)
            wrong = ValidationError("That is not your password.")
            raise self.wrong(wrong, self.request, name, where="Switching the second factor on")
        return str(password)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters()
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """The second step of signing in."""
    found = entering.half_in(request)
    if found is None:
        request.session.pop(entering.WAITS, None)
        return redirect("login")
    account, half = found
    form = CodeForm(request, account, *([request.POST] if request.method == "POST" else []))
    if form.is_valid():
        return entering.let_in(request, account, to=half.to, how=half.how)
    return answered(render(request, "registration/code.html", {"form": form}), form)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters()
@requires(before_second_factor=True)
def page(request: HttpRequest) -> HttpResponse:
    """One's own second factor; POST switches it on and shows the recovery codes in the answer."""
    account = account_of(request)
    if second_factor.is_on(account):
        return _is_on(request)
    form, problem = SetUpForm(request, *([request.POST] if request.method == "POST" else [])), ""
    try:
        if form.is_valid():
            codes = second_factor.switch_on(account, _offered(request), form.cleaned_data["code"])
            if codes is not None:
                request.session.pop(OFFERED, None)
                return _codes(request, codes, is_new=True)
            form.add_error("code", WRONG)
    except hashing.BusyError as error:
        form = SetUpForm(request)
        problem = " ".join(form.busy(error).messages)
    return answered(_set_up(request, form, problem), form)


@require_POST
@never_cache
@sensitive_post_parameters()
@requires()
def new_codes(request: HttpRequest) -> HttpResponse:
    """Others in place of the recovery codes, for a code."""
    form = CodeForm(request, account_of(request), request.POST, where="For new recovery codes:")
    if not form.is_valid():
        return _is_on(request, codes_form=form)
    return _codes(request, second_factor.new_codes(account_of(request)))


@require_POST
@never_cache
@sensitive_post_parameters()
@requires()
def switch_off(request: HttpRequest) -> HttpResponse:
    """Off, for a code. Who must have one is led to setting up another: the way to a new phone."""
    form = CodeForm(request, account_of(request), request.POST, where="For switching it off:")
    if not form.is_valid():
        return _is_on(request, off_form=form)
    second_factor.switch_off(account_of(request))
    messages.success(request, "Your second factor is switched off.")
    return redirect("second_factor")


def _is_on(
    request: HttpRequest, *, codes_form: CodeForm | None = None, off_form: CodeForm | None = None
) -> HttpResponse:
    account, sent = account_of(request), codes_form or off_form
    if not second_factor.is_on(account):
        return redirect("second_factor")
    context = {
        "factor": account.second_factor,
        "codes_left": account.recovery_codes.count(),
        "codes_form": codes_form or CodeForm(request, account),
        "off_form": off_form or CodeForm(request, account),
    }
    answer = render(request, "registration/second_factor.html", context)
    return answered(answer, sent) if sent else answer


def _codes(request: HttpRequest, codes: list[str], *, is_new: bool = False) -> HttpResponse:
    return render(request, "registration/recovery_codes.html", {"codes": codes, "is_new": is_new})


def _set_up(request: HttpRequest, form: SetUpForm, problem: str) -> HttpResponse:
    secret = second_factor.shown(_offered(request))
    account, issuer = account_of(request).username, f"R4Web ({request.get_host()})"
    context = {
        "form": form,
        "problem": problem,
        "is_missing": second_factor.is_missing(account_of(request)),
        "picture": _inline(second_factor.picture_of(one_time.address_of(secret, account=account, issuer=issuer))),
        "groups": [secret[start : start + 4] for start in range(0, len(secret), 4)],
    }
    return render(request, "registration/second_factor_set_up.html", context)


def _offered(request: HttpRequest) -> str:
    """The secret that this session is offered, the same until it is confirmed."""
    offered = str(request.session.get(OFFERED, ""))
    try:
        second_factor.shown(offered)
    except UnreadableSecretError:
        offered = request.session[OFFERED] = second_factor.offer()
    return offered


def _inline(svg: str) -> SafeString:
    """Our own drawing: it holds no text."""
    return mark_safe(svg)  # noqa: S308
