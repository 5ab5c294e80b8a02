"""Who did what at the door and to what is served: the audit log."""

from django.conf import settings
from django.db import models
from django.utils import timezone

LONGEST_ABOUT, LONGEST_DETAILS = 200, 300  # characters


class AuditEvent(models.TextChoices):
    SIGNED_IN = "signed_in", "Signed in"
    REFUSED = "refused", "Wrong name or password"
    PAUSED = "paused", "Has to wait after wrong passwords"
    SIGNED_OUT = "signed_out", "Signed out"
    RAN_OUT = "ran_out", "Signed out because nothing happened"
    PASSWORD_CHANGED = "password_changed", "Changed the own password"
    WRONG_CODE = "wrong_code", "Wrong code of the second factor"
    RECOVERY_CODE = "recovery_code", "Recovery code used"
    OUTSIDE_REFUSED = "outside_refused", "Not let in from outside"
    OUTSIDE_LINKED = "outside_linked", "Account joined to a person outside"
    FACTOR_ON = "factor_on", "Second factor switched on"
    FACTOR_OFF = "factor_off", "Second factor switched off"
    FACTOR_RESET = "factor_reset", "Second factor taken away"
    CODES_MADE = "codes_made", "New recovery codes made"
    ACCOUNT_MADE = "account_made", "Account added"
    ROLE_CHANGED = "role_changed", "Role changed"
    CATALOGS_CHANGED = "catalogs_changed", "Catalogs changed"
    EMAIL_CHANGED = "email_changed", "E-mail address changed"
    PASSWORD_RESET = "password_reset", "New password made"
    ACCOUNT_CLOSED = "account_closed", "Account closed"
    ACCOUNT_REOPENED = "account_reopened", "Account opened again"
    TOKEN_MADE = "token_made", "Token made"
    TOKEN_REVOKED = "token_revoked", "Token revoked"
    ACTIVATED = "activated", "Model activated"
    ROLLED_BACK = "rolled_back", "Went back to an earlier model"
    ROLLOUT_STARTED = "rollout_started", "Model tried on real requests"
    ROLLOUT_ENDED = "rollout_ended", "Trying a model ended"
    EXPERIMENT_MADE = "experiment_made", "Experiment written"
    EXPERIMENT_DISCARDED = "experiment_discard", "Draft of an experiment discarded"
    EXPERIMENT_STARTED = "experiment_started", "Experiment started"
    EXPERIMENT_STOPPED = "experiment_stopped", "Experiment stopped"
    GUARD_BROKEN = "guard_broken", "A guard of a model was broken"
    REBUILD_STARTED = "rebuild_started", "Model trained by schedule"
    CARE_CHANGED = "care_changed", "Guards or training by itself changed"
    ERASED = "erased", "Person or item erased"
    RULES_CHANGED = "rules_changed", "Business rules changed"
    STATEMENT_SAID = "statement_said", "A user said something of themself"
    STATEMENT_JUDGED = "statement_judged", "What a user said was accepted or refused"
    HEARING_SET = "hearing_set", "When what users say counts was set"
    IMPORTED = "imported", "Catalog data sent to the API"
    WEBHOOK_CHANGED = "webhook_changed", "Webhook changed"
    WEBHOOK_DISABLED = "webhook_disabled", "Webhook switched off by itself"


SIGN_INS = (
    AuditEvent.SIGNED_IN,
    AuditEvent.REFUSED,
    AuditEvent.PAUSED,
    AuditEvent.SIGNED_OUT,
    AuditEvent.RAN_OUT,
    AuditEvent.PASSWORD_CHANGED,
    AuditEvent.WRONG_CODE,
    AuditEvent.RECOVERY_CODE,
    AuditEvent.OUTSIDE_REFUSED,
)


class AuditEntry(models.Model):
    """One event. Append-only; rows go when their time is over (recommender.accounts.audit.clear).

    `account`, `name`: who did it; none for a command. A name that no account has is not kept: people type passwords
    there. `about`: the account, token or version, as it was called then. `address`: where the request came from.
    """

    at = models.DateTimeField(default=timezone.now, db_index=True)
    event = models.CharField(max_length=20, choices=AuditEvent)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=150, blank=True)
    about = models.CharField(max_length=LONGEST_ABOUT, blank=True)
    details = models.CharField(max_length=LONGEST_DETAILS, blank=True)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["event", "-id"], name="audit_event"),
            models.Index(fields=["name", "-id"], name="audit_name"),
            models.Index(fields=["about", "-id"], name="audit_about"),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()}: {self.name or 'a command'} {self.about}".rstrip()
