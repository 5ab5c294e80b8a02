"""Make a token for the REST API and print its key, once."""

import argparse
import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from recommender.accounts.tokens import create_token
from recommender.models import Account, ApiToken

LONGEST_NAME = ApiToken._meta.get_field("name").max_length or 80


def _name(text: str) -> str:
    if not 1 <= len(text.strip()) <= LONGEST_NAME:
        raise argparse.ArgumentTypeError(f"a name has 1 to {LONGEST_NAME} characters")
    return text.strip()


def _days(text: str) -> int:
    try:
        days = int(text)
    except ValueError:
        days = 0
    if not 1 <= days <= 36_500:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of days from 1 to 36500")
    return days


class Command(BaseCommand):
    help = "Makes a token for the REST API and prints its key once; only the key's SHA-256 is stored."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--name", type=_name, required=True, help="What the token is for.")
        parser.add_argument("--account", required=True, help="The user name of the account it belongs to.")
        parser.add_argument("--expires-days", type=_days, help="It stops working after so many days; else never.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, **options: Any) -> None:
        try:
            account = Account.objects.get(username=options["account"], is_active=True)
        except Account.DoesNotExist as error:
            known = ", ".join(Account.objects.filter(is_active=True).values_list("username", flat=True)[:10])
            raise CommandError(
                f"There is no open account {options['account']!r}. Accounts: {known or 'none yet'}."
            ) from error
        days = options["expires_days"]
        token, key = create_token(
            options["name"], account=account, expires_at=timezone.now() + timedelta(days=days) if days else None
        )
        if options["json"]:
            expires_at = token.expires_at.isoformat() if token.expires_at else None
            self.stdout.write(json.dumps({"name": token.name, "key": key, "expires_at": expires_at}))
            return
        self.stderr.write(f"{token.name}: the key below is shown only now. Send it as `Authorization: Bearer <key>`.")
        self.stdout.write(key)
