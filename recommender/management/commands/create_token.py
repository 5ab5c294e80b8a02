"""Make a token for the REST API and print its key, once."""

import argparse
import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from recommender.accounts.tokens import MOST_PER_MINUTE, READING, ScopeRefusedError, create_token
from recommender.accounts.visible import catalogs_of
from recommender.models import Account, ApiToken, Catalog, TokenScope
from recommender.times import written

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


def _per_minute(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_PER_MINUTE):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {MOST_PER_MINUTE}")
    return int(text)


def _catalog(name: str, account: Account) -> Catalog:
    found = catalogs_of(account).filter(name=name).first()
    if found is None:
        known = ", ".join(catalogs_of(account).values_list("name", flat=True)[:10])
        raise CommandError(f"{account} may see no catalog {name!r}. Catalogs: {known or 'none yet'}.")
    return found


class Command(BaseCommand):
    help = "Makes a token for the REST API and prints its key once; only the key's SHA-256 is stored."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--name", type=_name, required=True, help="What the token is for.")
        parser.add_argument("--account", required=True, help="The user name of the account it belongs to.")
        parser.add_argument("--expires-days", type=_days, help="It stops working after so many days; else never.")
        parser.add_argument(
            "--scope",
            action="append",
            choices=TokenScope.values,
            metavar="SCOPE",
            help=f"What it may do, may be repeated: {', '.join(TokenScope.values)}; by default all that read.",
        )
        parser.add_argument("--catalog", help="The only catalog it opens; else all that its account may see.")
        parser.add_argument(
            "--per-minute",
            type=_per_minute,
            help="Requests it may send in a minute, 0 for any number; else as R4_API_PER_MINUTE says.",
        )
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
        try:
            token, key = create_token(
                options["name"],
                account=account,
                expires_at=timezone.now() + timedelta(days=days) if days else None,
                scopes=options["scope"] or READING,
                catalog=_catalog(options["catalog"], account) if options["catalog"] else None,
                per_minute=options["per_minute"],
            )
        except ScopeRefusedError as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            told = {"name": token.name, "key": key, "expires_at": written(token.expires_at), "scopes": token.scopes}
            told |= {"catalog": options["catalog"] or None, "per_minute": token.per_minute}
            self.stdout.write(json.dumps(told))
            return
        self.stderr.write(f"{token.name}: the key below is shown only now. Send it as `Authorization: Bearer <key>`.")
        self.stdout.write(key)
