"""Signing in, signing out and one's own password. Who has to wait is told so before any password is hashed."""

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash, views
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from recommender.accounts import audit, hashing, openid, throttle
from recommender.models import AuditEvent
from reviews.guards import account_of, requires
from reviews.pages.home import entering
from reviews.pages.home.refusable import Refusable, answered


class SignInForm(Refusable, AuthenticationForm):
    def clean(self) -> dict[str, Any]:
        name, request = self.cleaned_data.get("username"), cast(HttpRequest, self.request)
        if not name or not self.cleaned_data.get("password"):
            return self.cleaned_data
        self.refuse_while_paused(request, name)
        try:
            with hashing.place():
                self.refuse_while_paused(request, name)  # those before in the line are counted by now
                try:
                    return super().clean()
                except ValidationError as error:
                    raise self.wrong(error, request, name) from None
        except hashing.BusyError as error:
            raise self.busy(error) from None


class SignIn(views.LoginView):
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        idle = throttle.in_words(settings.SESSION_IDLE) if self.request.GET.get("ended") == "idle" else ""
        return super().get_context_data(idle=idle, outside=openid.name(), **more)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        return entering.enter(self.request, form.get_user(), to=self.get_success_url())

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        return answered(super().form_invalid(form), cast(SignInForm, form))


class SignOut(views.LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            audit.record(AuditEvent.SIGNED_OUT)
        return super().post(request, *args, **kwargs)


class OwnPasswordForm(Refusable, PasswordChangeForm):
    """A wrong old password counts like a wrong sign-in: somebody else may sit at this browser."""

    def __init__(self, request: HttpRequest, *arguments: Any) -> None:
        self.request = request
        super().__init__(account_of(request), *arguments)

    def clean_old_password(self) -> str:
        name = self.user.get_username()
        self.refuse_while_paused(self.request, name)
        try:
            return super().clean_old_password()
        except ValidationError as error:
            throttle.failed(self.request, name)
            raise self.wrong(error, self.request, name, where="Changing the own password") from None


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters()
@requires()
def change_password(request: HttpRequest) -> HttpResponse:
    form, problem = OwnPasswordForm(request, *([request.POST] if request.method == "POST" else [])), ""
    try:
        if form.is_valid():
            account = form.save()
            update_session_auth_hash(request, account)
            audit.record(AuditEvent.PASSWORD_CHANGED)
            messages.success(request, "Your password is changed. Other devices are signed out.")
            return redirect("home")
    except hashing.BusyError as error:
        form = OwnPasswordForm(request)
        problem = " ".join(form.busy(error).messages)
    page = render(request, "registration/password_change_form.html", {"form": form, "problem": problem})
    return answered(page, form)
