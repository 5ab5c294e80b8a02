"""The project's own sample catalog (catalogs/sample/README.md): films as facts, end users with planted tastes."""

from collections.abc import Callable, Iterator
from dataclasses import asdict

from recommender.catalogs.importers import values
from recommender.catalogs.importers.plan import CatalogDefaults, Context, Plan, Request, Row, Table
from recommender.catalogs.sample import generate, truth

DEFAULTS = CatalogDefaults(
    item_noun="movie", prompt_attributes=("genres", "year", "director", "country", "description")
)


def plan(request: Request) -> Plan:
    """It needs no path: everything is in the package."""
    request.require_only("sample")
    return Plan(
        defaults=DEFAULTS,
        items=_table("films.csv", _item_rows),
        end_users=_table("the sample's end users", _end_user_rows),
        interactions=_table("the sample's interactions", _interaction_rows),
    )


def _table(name: str, rows: Callable[[], Iterator[Row]]) -> Table:
    def parse(_context: Context) -> Iterator[Row]:
        return rows()

    return Table(name=name, parse=parse, size=1, done=lambda: 1)


def _item_rows() -> Iterator[Row]:
    for line, film in enumerate(truth.films(), 2):
        facts = [(name, value) for name, value in asdict(film).items() if name not in ("item_id", "title")]
        yield line, film.item_id, film.title, values.attributes(facts)


def _end_user_rows() -> Iterator[Row]:
    for number, taste in enumerate(truth.tastes(), 1):
        yield number, taste.user_id, values.attributes(generate.end_user_attributes(number).items())


def _interaction_rows() -> Iterator[Row]:
    watched = generate.interactions(truth.films(), truth.tastes(), truth.appeal())
    for line, row in enumerate(watched, 1):
        yield line, row.user_id, row.item_id, float(row.rating), None, row.moment
