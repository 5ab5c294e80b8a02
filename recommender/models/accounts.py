"""People who sign in, and the tokens programs use."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models

from recommender.models.audit import AuditEntry, AuditEvent


class Role(models.TextChoices):
    ANNOTATOR = "annotator", "Annotator"
    LEAD = "lead", "Lead"
    PM = "pm", "PM"


class AccountManager(UserManager["Account"]):
    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **more: Any
    ) -> "Account":
        """Whoever administers the installation is a lead, unless told otherwise."""
        made = super().create_superuser(username, email, password, **{"role": Role.LEAD} | more)
        AuditEntry.objects.create(event=AuditEvent.ACCOUNT_MADE, about=made.username, details="Administrator")
        return made


class Account(AbstractUser):
    """Someone who signs in. An *end user*, who gets recommendations, is another thing: EndUser."""

    role = models.CharField(max_length=16, choices=Role, default=Role.PM)
    all_catalogs = models.BooleanField(default=True)
    catalogs = models.ManyToManyField(
        "recommender.Catalog", blank=True, help_text="The only ones there are for this account, unless it has all."
    )

    objects: ClassVar[AccountManager] = AccountManager()


class TokenScope(models.TextChoices):
    """What a token may do: `what:how`. An address of the API names the one that it needs.

    What people may do on pages only as leads, `manage` opens to programs: only to the tokens of leads.
    """

    CATALOGS_READ = "catalogs:read", "List catalogs"
    RECOMMENDATIONS_READ = "recommendations:read", "Get recommendations"
    EXPLANATIONS_READ = "explanations:read", "Get the reasons with them"
    DISPUTES_WRITE = "disputes:write", "Dispute texts, and see what became of it"
    STATEMENTS_WRITE = "statements:write", "See what is said of users, and correct it for them"
    PEOPLE_MANAGE = "people:manage", "Export and erase people; erase items"
    RULES_MANAGE = "rules:manage", "Set and remove business rules"
    EXPERIMENTS_READ = "experiments:read", "Read experiments and their results"
    EXPERIMENTS_MANAGE = "experiments:manage", "Write, start and stop experiments"
    EVENTS_WRITE = "events:write", "Send events"
    CATALOG_WRITE = "catalog:write", "Write items, users and what they did"
    WEBHOOKS_MANAGE = "webhooks:manage", "Manage webhooks, and send again"

    @property
    def is_for_leads(self) -> bool:
        return self.value.endswith(":manage")


class ApiToken(models.Model):
    """A program's key to the REST API. Only its SHA-256 is kept; the key itself is shown once, when it is made.

    It opens its account's catalogs, or the one of them that it names. `per_minute`: requests it may send in a minute;
    null: as many as the setting says, 0: any number.
    """

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, help_text="The key's first characters, to recognise it by.")
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    scopes = models.JSONField(default=list, help_text="Of TokenScope.")
    catalog = models.ForeignKey("recommender.Catalog", on_delete=models.CASCADE, null=True, related_name="+")
    per_minute = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class SecondFactor(models.Model):
    """An account's authenticator app. `secret`: encrypted, what app and server share (accounts.second_factor).

    `last_step`: the time step of the last code that was taken; none is taken twice. `wrong`: codes since then.
    """

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="second_factor"
    )
    secret = models.CharField(max_length=255)
    last_step = models.BigIntegerField(default=0)
    wrong = models.PositiveIntegerField(default=0)
    wrong_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"second factor of {self.account}"


class RecoveryCode(models.Model):
    """Lets its account in once in place of a code of the app, and goes. Only its SHA-256 is kept."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "digest"], name="recovery_code_unique")]

    def __str__(self) -> str:
        return f"recovery code of {self.account}"


class OutsideIdentity(models.Model):
    """Whom an OpenID provider knows an account as, from the first time that they signed in with it."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="outside_identity_unique"),
            models.UniqueConstraint(fields=["account", "issuer"], name="outside_identity_one_of_an_issuer"),
        ]

    def __str__(self) -> str:
        return f"{self.account} at {self.issuer}"
