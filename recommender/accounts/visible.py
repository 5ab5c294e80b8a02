"""Which catalogs an account or a token may see: the one place that says so. What is outside is as if it were not there.

Whatever reads rows for somebody passes its queryset through `within`, or takes catalogs from `catalogs_of`.
"""

from typing import Any, TypeVar

from django.db.models import QuerySet

from recommender.models import Account, ApiToken, Catalog

Asker = Account | ApiToken
Rows = TypeVar("Rows", bound=QuerySet[Any])


def catalogs_of(asker: Asker) -> QuerySet[Catalog]:
    """By name: all of them, or those that the account was limited to; of these, the one that a token names."""
    return within(Catalog.objects.order_by("name"), asker, at="pk")


def within(rows: Rows, asker: Asker, *, at: str = "catalog") -> Rows:
    """Those of `rows` whose catalog the asker may see. `at`: the path from a row to its catalog. No query of its own.

    The token's account must be loaded.
    """
    account = asker
    if isinstance(asker, ApiToken):
        account = asker.created_by
        if asker.catalog_id is not None:
            rows = rows.filter(**{at: asker.catalog_id})
    assert isinstance(account, Account)
    return rows if account.all_catalogs else rows.filter(**{f"{at}__in": account.catalogs.values("pk")})


def is_limited(account: Account) -> bool:
    """Whether there are catalogs that this account may not see, or may be one day."""
    return not account.all_catalogs
