"""What the log page shows: entries, newest first, by kind and by who did it."""

import heapq
from dataclasses import dataclass
from itertools import islice

from recommender.models import AuditEntry, AuditEvent
from recommender.models.audit import SIGN_INS

ROWS = 50


@dataclass(frozen=True, slots=True)
class Kind:
    label: str
    events: tuple[AuditEvent, ...]


KINDS = {
    "sign-ins": Kind("Sign-ins", SIGN_INS),
    "wrong": Kind("Wrong passwords and codes", (AuditEvent.REFUSED, AuditEvent.PAUSED, AuditEvent.WRONG_CODE)),
    "accounts": Kind(
        "Accounts",
        (
            AuditEvent.ACCOUNT_MADE,
            AuditEvent.ROLE_CHANGED,
            AuditEvent.CATALOGS_CHANGED,
            AuditEvent.PASSWORD_RESET,
            AuditEvent.EMAIL_CHANGED,
            AuditEvent.OUTSIDE_LINKED,
            AuditEvent.FACTOR_ON,
            AuditEvent.FACTOR_OFF,
            AuditEvent.FACTOR_RESET,
            AuditEvent.CODES_MADE,
            AuditEvent.ACCOUNT_CLOSED,
            AuditEvent.ACCOUNT_REOPENED,
        ),
    ),
    "tokens": Kind("Tokens", (AuditEvent.TOKEN_MADE, AuditEvent.TOKEN_REVOKED)),
    "models": Kind(
        "Models",
        (
            AuditEvent.ACTIVATED,
            AuditEvent.ROLLED_BACK,
            AuditEvent.ROLLOUT_STARTED,
            AuditEvent.ROLLOUT_ENDED,
            AuditEvent.GUARD_BROKEN,
            AuditEvent.REBUILD_STARTED,
            AuditEvent.CARE_CHANGED,
        ),
    ),
    "experiments": Kind(
        "Experiments",
        (
            AuditEvent.EXPERIMENT_MADE,
            AuditEvent.EXPERIMENT_DISCARDED,
            AuditEvent.EXPERIMENT_STARTED,
            AuditEvent.EXPERIMENT_STOPPED,
        ),
    ),
    "said": Kind(
        "What users say of themselves", (AuditEvent.STATEMENT_SAID, AuditEvent.STATEMENT_JUDGED, AuditEvent.HEARING_SET)
    ),
    "webhooks": Kind("Webhooks", (AuditEvent.WEBHOOK_CHANGED, AuditEvent.WEBHOOK_DISABLED)),
    "erasures": Kind("Erasures", (AuditEvent.ERASED,)),
    "data": Kind("Data and rules sent to the API", (AuditEvent.IMPORTED, AuditEvent.RULES_CHANGED)),
}


def entries(*, kind: str = "", who: str = "", before: int | None = None) -> tuple[list[AuditEntry], int | None]:
    """A page of entries, `who`: by this name or about it. With the id that the next page begins after; none: the end.

    One query, or two by a name, each along an index: the cost does not grow with how far back it looks.
    """
    found = AuditEntry.objects.order_by("-pk")
    if kind:
        found = found.filter(event__in=KINDS[kind].events)
    if before:
        found = found.filter(pk__lt=before)
    # Not one query with OR, for which databases sort everything that matches.
    either = [found.filter(name=who), found.filter(about=who).exclude(name=who)] if who else [found]
    page = heapq.merge(*(rows[: ROWS + 1] for rows in either), key=lambda entry: entry.pk, reverse=True)
    shown = list(islice(page, ROWS + 1))
    return shown[:ROWS], shown[ROWS - 1].pk if len(shown) > ROWS else None
