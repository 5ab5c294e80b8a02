"""A form that looks at a password or a code: who has to wait is told so before anything is hashed."""

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from recommender.accounts import audit, hashing, throttle
from recommender.models import Account, AuditEvent


class Refusable(forms.Form):
    """`status` and `again_in` (seconds) where it was not looked at."""

    status, again_in = 200, 0

    def refuse_while_paused(self, request: HttpRequest, name: str) -> None:
        if seconds := throttle.seconds_to_wait(request, name):
            raise self.pause(seconds, "Too many wrong passwords.")

    def wrong(self, error: ValidationError, request: HttpRequest, name: str, *, where: str = "") -> ValidationError:
        """What to say of a wrong password, which is recorded. A name that is no account's may be a password."""
        known = name if Account.objects.filter(username=name).exists() else ""
        audit.record(AuditEvent.REFUSED, name=known, details=where)
        return self.pause_if_due(request, name, known) or error

    def pause_if_due(self, request: HttpRequest, name: str, known: str) -> ValidationError | None:
        """After something wrong was counted: the pause that it brought, which is recorded under the name `known`."""
        seconds = throttle.seconds_to_wait(request, name)
        if not seconds:
            return None
        audit.record(AuditEvent.PAUSED, name=known, details=f"For {throttle.in_words(seconds)}")
        return self.pause(seconds, "That was not right, and too often.")

    def busy(self, error: hashing.BusyError) -> ValidationError:
        self.status, self.again_in = 503, hashing.AGAIN_IN
        return ValidationError(str(error))

    def pause(self, seconds: int, words: str) -> ValidationError:
        self.status, self.again_in = 429, seconds
        return ValidationError(f"{words} Wait {throttle.in_words(seconds)} before you try again.")


def answered(response: HttpResponse, form: Refusable) -> HttpResponse:
    """The page of a form that was refused, as programs read it too."""
    response.status_code = form.status
    if form.again_in:
        response["Retry-After"] = str(form.again_in)
    return response
