"""`manage.py create_account NAME --role ROLE`: an account for a person, without the sample ones."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.accounts import people
from recommender.models import Account, Role


class Command(BaseCommand):
    help = (
        "Make an account, or with --change give one another role. The password is printed once; "
        "--password-stdin reads one instead."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what the person signs in with")
        parser.add_argument("--role", required=True, choices=Role.values, help="what the person may do")
        parser.add_argument("--change", action="store_true", help="the account is there: give it this role")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        name, role = options["name"], options["role"]
        given = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else ""
        if options["password_stdin"] and not given:
            raise CommandError("Standard input holds no password.")
        try:
            if options["change"]:
                self._change(name, role, given)
                return
            account, password = people.create(name, role=role, password=given)
        except people.AccountError as error:
            hint = " Add --change to give it another role." if "already" in str(error) else ""
            raise CommandError(f"{error}{hint}") from None
        self.stdout.write(f"{account} is made, as {Role(role).label}." + ("" if given else f" Password: {password}"))

    def _change(self, name: str, role: str, password: str) -> None:
        account = Account.objects.filter(username=name).first()
        if account is None:
            raise CommandError(f"There is no account {name}.")
        people.change_role(account, role)
        if password:
            people.reset_password(account, password)
        self.stdout.write(f"{account} is {Role(role).label} now." + (" The password is changed." if password else ""))
