"""`manage.py create_account NAME --role ROLE`: an account for a person, without the sample ones."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.accounts import people, second_factor
from recommender.models import Account, Catalog, Role


def _catalog(name: str) -> Catalog:
    found = Catalog.objects.filter(name=name).first()
    if found is None:
        known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True)[:10])
        raise CommandError(f"There is no catalog {name!r}. Catalogs: {known or 'none yet'}.")
    return found


def _account(name: str) -> Account:
    found = Account.objects.filter(username=name).first()
    if found is None:
        raise CommandError(f"There is no account {name}.")
    return found


def _seen(catalogs: list[Catalog]) -> str:
    return f" of {', '.join(str(catalog) for catalog in catalogs)}" if catalogs else ""


class Command(BaseCommand):
    help = (
        "Make an account, or with --change give one another role. The password is printed once; "
        "--password-stdin reads one instead."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what the person signs in with")
        parser.add_argument("--role", choices=Role.values, help="what the person may do")
        parser.add_argument("--catalog", action="append", default=[], help="the only one it sees; may be repeated")
        parser.add_argument("--all-catalogs", action="store_true", help="it sees all again (with --change)")
        parser.add_argument("--change", action="store_true", help="the account is there: give it this role")
        parser.add_argument("--email", default="", help="what an OpenID provider knows the person by")
        parser.add_argument(
            "--reset-second-factor",
            action="store_true",
            help="the account is there: take its second factor away, and change nothing else",
        )
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        name, role = options["name"], options["role"]
        if options["reset_second_factor"]:
            self._reset_second_factor(name)
            return
        if role is None:
            raise CommandError("Give --role: what the person may do.")
        given = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else ""
        if options["password_stdin"] and not given:
            raise CommandError("Standard input holds no password.")
        catalogs = [_catalog(name) for name in options["catalog"]]
        if catalogs and options["all_catalogs"]:
            raise CommandError("Give --catalog or --all-catalogs, not both.")
        try:
            if options["change"]:
                seen = catalogs if catalogs or options["all_catalogs"] else None
                self._change(name, role, given, seen, options["email"])
                return
            account, password = people.create(
                name, role=role, password=given, catalogs=catalogs, email=options["email"]
            )
        except people.AccountError as error:
            hint = " Add --change to give it another role." if "already" in str(error) else ""
            raise CommandError(f"{error}{hint}") from None
        self.stdout.write(
            f"{account} is made, as {Role(role).label}{_seen(catalogs)}." + ("" if given else f" Password: {password}")
        )

    def _reset_second_factor(self, name: str) -> None:
        was_on = second_factor.reset(_account(name))
        self.stdout.write(f"{name} has no second factor {'any more' if was_on else 'to take away'}.")

    def _change(self, name: str, role: str, password: str, catalogs: list[Catalog] | None, email: str) -> None:
        """`catalogs`: None leaves them as they are, as does no `email`."""
        account = _account(name)
        people.change_role(account, role)
        if email:
            people.change_email(account, email)
        if catalogs is not None:
            people.change_catalogs(account, catalogs)
        if password:
            people.reset_password(account, password)
        seen = "" if catalogs is None else _seen(catalogs) or " and sees all catalogs"
        self.stdout.write(
            f"{account} is {Role(role).label}{seen} now." + (" The password is changed." if password else "")
        )
