"""People who sign in, and the tokens programs use."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models


class Role(models.TextChoices):
    ANNOTATOR = "annotator", "Annotator"
    LEAD = "lead", "Lead"
    PM = "pm", "PM"


class AccountManager(UserManager["Account"]):
    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **more: Any
    ) -> "Account":
        """Whoever administers the installation is a lead, unless told otherwise."""
        return super().create_superuser(username, email, password, **{"role": Role.LEAD} | more)


class Account(AbstractUser):
    """Someone who signs in. An *end user*, who gets recommendations, is another thing: EndUser."""

    role = models.CharField(max_length=16, choices=Role, default=Role.PM)

    objects: ClassVar[AccountManager] = AccountManager()


class ApiToken(models.Model):
    """A program's key to the REST API. Only its SHA-256 is kept; the key itself is shown once, when it is made."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, help_text="The key's first characters, to recognise it by.")
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
