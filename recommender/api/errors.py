"""Every error is a problem document (RFC 9457) that says what to do."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from rest_framework import exceptions

from recommender.accounts.quota import Quota
from recommender.models import TokenScope

HOW_TO_SEND = "Send a token in the header `Authorization: Bearer <key>`."
CONTENT_TYPE = "application/problem+json"
DOCS = "/api/v1/docs/"


class Problem(exceptions.APIException):
    """An error of this API. `slug` ends the problem's type, which programs may rely on; texts may change."""

    slug = "bad-request"
    title = "Bad request"
    status_code = HTTPStatus.BAD_REQUEST
    members: Mapping[str, Any] = {}  # that the document has besides


class InvalidParameter(Problem):
    slug = "invalid-parameter"
    title = "A parameter is not valid"

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__(" ".join(error["detail"] for error in errors))
        self.members = {"errors": [dict(error) for error in errors]}


class TooMuch(Problem):
    slug = "bad-request"
    title = "Bad request"
    default_detail = "The request holds more than is read here. Send fewer parameters; POST takes them in its body."


class ScopeMissing(Problem):
    slug = "scope-missing"
    title = "The token may not do this"
    status_code = HTTPStatus.FORBIDDEN

    def __init__(self, scope: TokenScope) -> None:
        super().__init__(f"This token lacks the scope `{scope}` ({scope.label}). A lead makes another one that has it.")


class TooManyRequests(Problem):
    slug = "too-many-requests"
    title = "Too many requests"
    status_code = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, quota: Quota) -> None:
        super().__init__(
            f"This token may send {quota.limit} requests a minute. Send this one again in {quota.resets_in} seconds."
        )
        self.wait = quota.resets_in


class UnknownCatalog(Problem):
    slug = "unknown-catalog"
    title = "Unknown catalog"
    status_code = HTTPStatus.NOT_FOUND


class UnknownEndUser(Problem):
    slug = "unknown-user"
    title = "Unknown end user"
    status_code = HTTPStatus.NOT_FOUND


class UnknownItem(Problem):
    slug = "unknown-item"
    title = "Unknown item"
    status_code = HTTPStatus.NOT_FOUND


class Erased(Problem):
    slug = "erased"
    title = "Erased"
    status_code = HTTPStatus.GONE


class UnknownExplanation(Problem):
    slug = "unknown-explanation"
    title = "There is no such text"
    status_code = HTTPStatus.NOT_FOUND


class TextWithheld(Problem):
    slug = "text-withheld"
    title = "People have not said enough of this text"
    status_code = HTTPStatus.NOT_FOUND


class TextWithdrawn(Problem):
    slug = "text-withdrawn"
    title = "This text is shown to nobody any more"
    status_code = HTTPStatus.GONE


class NotTheirText(Problem):
    slug = "not-their-text"
    title = "The text is about another end user"
    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_detail = (
        "An end user may dispute what is written about them and about items, and this text is about another end user. "
        "Nothing was stored: send the `user_id` of whom the text is about, or leave it out where nobody of the catalog "
        "says so."
    )


class UnknownDispute(Problem):
    slug = "unknown-dispute"
    title = "Unknown dispute"
    status_code = HTTPStatus.NOT_FOUND


class UnknownRecommendation(Problem):
    slug = "unknown-recommendation"
    title = "Unknown recommendation"
    status_code = HTTPStatus.NOT_FOUND


class UnknownRule(Problem):
    slug = "unknown-rule"
    title = "Unknown rule"
    status_code = HTTPStatus.NOT_FOUND


class RuleEnded(Problem):
    """`errors`: which rules."""

    slug = "rule-ended"
    title = "A rule would have ended before it began"
    status_code = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__(" ".join(error["detail"] for error in errors))
        self.members = {"errors": [dict(error) for error in errors]}


class UnknownWebhook(Problem):
    slug = "unknown-webhook"
    title = "Unknown webhook"
    status_code = HTTPStatus.NOT_FOUND


class UnknownDelivery(Problem):
    slug = "unknown-delivery"
    title = "Unknown delivery"
    status_code = HTTPStatus.NOT_FOUND


class WebhookRefused(Problem):
    slug = "webhook-refused"
    title = "The webhook cannot do this now"
    status_code = HTTPStatus.CONFLICT


class UnknownExperiment(Problem):
    slug = "unknown-experiment"
    title = "Unknown experiment"
    status_code = HTTPStatus.NOT_FOUND


class ExperimentNotStarted(Problem):
    slug = "experiment-not-started"
    title = "The experiment was not started"
    status_code = HTTPStatus.CONFLICT


class ExperimentStarted(Problem):
    slug = "experiment-started"
    title = "The experiment was started"
    status_code = HTTPStatus.CONFLICT
    default_detail = "What was shown under its key counts, so it stays. Stop it if it runs, and write another one."


class UnknownPath(Problem):
    slug = "unknown-path"
    title = "There is nothing at this address"
    status_code = HTTPStatus.NOT_FOUND


def slashes(external_id: str) -> str:
    """A hint for an id that looks as if its address had a slash too many; else nothing."""
    has_more = external_id.startswith("/") or external_id.endswith("/")
    return " No address here ends in a slash or has two in a row: perhaps there is one too many." if has_more else ""


class UnknownStatement(Problem):
    slug = "unknown-statement"
    title = "Unknown statement"
    status_code = HTTPStatus.NOT_FOUND


class NotUnderstood(Problem):
    """`unheard`: the sentences in which nothing was understood; `unsure`: what may be meant either way round. Nothing
    was stored."""

    slug = "not-understood"
    title = "The words were not understood"
    status_code = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, unheard: Sequence[str], unsure: Sequence[Mapping[str, Any]] = ()) -> None:
        about = ", ".join(each["about"] for each in unsure)
        super().__init__(
            f"Nothing was stored: it is not sure whether this is liked or not: {about}. Say it in other words, or send "
            "`aspect` and `polarity`."
            if unsure
            else "Nothing was stored: no sentence names something that items have and whether it is liked, as “no more "
            "documentaries” does. English, German and Spanish are read. Or send `aspect` and `polarity`."
        )
        self.members = {"not_understood": list(unheard), "unsure": list(unsure)}


class TooManyStatements(Problem):
    slug = "too-many-statements"
    title = "They have as many statements as one person may have"
    status_code = HTTPStatus.UNPROCESSABLE_ENTITY


class StatementChanged(Problem):
    slug = "statement-changed"
    title = "The statement is not as it was"
    status_code = HTTPStatus.CONFLICT


class PreconditionFailed(Problem):
    slug = "precondition-failed"
    title = "The statement has changed meanwhile"
    status_code = HTTPStatus.PRECONDITION_FAILED
    default_detail = "Its ETag is not the one in If-Match. Read it again, and send what is still wanted."


class InvalidBody(Problem):
    slug = "invalid-body"
    title = "The body cannot be read"
    default_detail = 'The body must be a JSON object, such as {"limit": 10}. Send nothing for all defaults.'


class BodyCut(Problem):
    slug = "body-cut"
    title = "The body ended early"
    default_detail = "Not the whole body came, or too slowly. Nothing of it was stored: send it again."


class BodyTooLarge(Problem):
    slug = "too-large"
    title = "The body is too large"
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self, most: int) -> None:
        size = f"{most / 10**6:g} MB" if most % 2**20 else f"{most >> 20} MiB"
        super().__init__(f"A body may take {size} here. Send it in several parts.")


class UnsupportedBody(Problem):
    slug = "unsupported-media-type"
    title = "Unsupported media type"
    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE

    def __init__(self, types: Sequence[str]) -> None:
        said = " or ".join(f"`Content-Type: {one}`" for one in types)
        super().__init__(f"Send {said}, in UTF-8 and not packed.")


class ImportEnded(Problem):
    """`lines`: how many of the stream's lines are done with; `why`: what ended it."""

    slug = "import-ended"
    title = "The import ended early"

    def __init__(self, why: Problem, lines: int) -> None:
        super().__init__(f"{why.title}. {lines:,} lines are stored; send the rest, from line {lines + 1:,} on.")
        self.status_code = why.status_code
        self.members = {"lines": lines, "resume_from": lines + 1}


class InvalidKey(Problem):
    slug = "invalid-idempotency-key"
    title = "The Idempotency-Key cannot be read"
    default_detail = (
        'Send 1 to 255 characters of ASCII, such as `Idempotency-Key: "8e03978e-40d5-43dd-bc93-6894a57f9324"`.'
    )


class KeyReused(Problem):
    slug = "idempotency-key-reused"
    title = "The Idempotency-Key was used before"
    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_detail = "Another request came with this key in the last 24 hours. Send this one with a key of its own."


class InProgress(Problem):
    slug = "in-progress"
    title = "The request is under way"
    status_code = HTTPStatus.CONFLICT

    def __init__(self, seconds: int) -> None:
        super().__init__("The request with this Idempotency-Key is being answered. Send it again a little later.")
        self.wait = seconds
