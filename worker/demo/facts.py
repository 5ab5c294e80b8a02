"""What a newcomer or a script needs to know, kept in `var/demo.json` for its owner's eyes only."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from recommender.accounts import audit
from recommender.accounts.tokens import TokenRefusedError, create_token, recognise
from recommender.models import Account, ApiToken, AuditEvent, EndUser, Role
from reviews.room import guidelines

CATALOG = "sample"
TOKEN_NAME = "demo"  # noqa: S105 - a name, not a key


@dataclass(frozen=True)
class Sample:
    """A sample account: its name is its role's."""

    username: str
    role: str
    password: str


@dataclass(frozen=True)
class Facts:
    """`user_id`: an end user of the catalog whose recommendations are worth a look."""

    address: str
    accounts: list[Sample]
    token: str
    catalog: str
    user_id: str

    @classmethod
    def read(cls) -> Self | None:
        try:
            known = json.loads(path().read_text())
            return cls(**known | {"accounts": [Sample(**one) for one in known["accounts"]]})
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def write(self) -> None:
        part = path().with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=2)
        part.replace(path())


def path() -> Path:
    return Path(settings.VAR_DIR) / "demo.json"


def ensure(*, address: str) -> Facts:
    """Make the sample accounts, guidelines and the token, unless they are there; write and return the facts.

    The sample catalog must be there: `user_id` is the end user with its longest history.

    Accounts that exist in a database whose `demo.json` was lost get new passwords: nobody knows the old ones.
    """
    known = Facts.read()
    passwords = {one.username: one.password for one in known.accounts} if known else {}
    accounts = [Sample(role, role, passwords.get(role) or secrets.token_urlsafe(9)) for role in Role.values]
    with transaction.atomic():
        for sample in accounts:
            account, made = Account.objects.get_or_create(username=sample.username, defaults={"role": sample.role})
            if made:
                audit.record(AuditEvent.ACCOUNT_MADE, about=account, details=account.get_role_display())
            if made or sample.username not in passwords:
                account.set_password(sample.password)
                account.save(update_fields=["password"])
        if guidelines.latest() is None:
            guidelines.write(guidelines.SUGGESTED, after=0, account=Account.objects.get(username=Role.LEAD))
        token = known.token if known and _recognised(known.token) else _new_token()
        user_id = known.user_id if known and _is_there(known.user_id) else _example_user_id()
        facts = Facts(address=address, accounts=accounts, token=token, catalog=CATALOG, user_id=user_id)
        if facts != known:
            facts.write()
    return facts


def _example_user_id() -> str:
    end_users = EndUser.objects.filter(catalog__name=CATALOG)
    return end_users.annotate(n=Count("interactions")).order_by("-n", "pk").values_list("external_id", flat=True)[0]


def _is_there(user_id: str) -> bool:
    return EndUser.objects.filter(catalog__name=CATALOG, external_id=user_id).exists()


def _recognised(key: str) -> bool:
    try:
        recognise(key)
    except TokenRefusedError:
        return False
    return True


def _new_token() -> str:
    lead = Account.objects.get(username=Role.LEAD)
    ApiToken.objects.filter(name=TOKEN_NAME, created_by=lead).delete()
    return create_token(TOKEN_NAME, account=lead)[1]
