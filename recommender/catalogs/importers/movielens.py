"""MovieLens in GroupLens' own layouts, 100k and 1M (https://grouplens.org/datasets/movielens/): ISO-8859-1 text."""

import io
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from recommender.catalogs.importers import values
from recommender.catalogs.importers.files import Source, files_in, some_names
from recommender.catalogs.importers.plan import CatalogDefaults, Context, Plan, Request, Row
from recommender.catalogs.importers.report import ImportFailedError
from recommender.catalogs.importers.values import BadValueError

DEFAULTS = CatalogDefaults(item_noun="movie", prompt_attributes=("genres", "year"))
ENCODING = "iso-8859-1"
# u.item's last fields, in this order; a film of "unknown" genre has none.
GENRES_100K = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
AGES_1M = {"1": "under 18", "18": "18-24", "25": "25-34", "35": "35-44", "45": "45-49", "50": "50-55", "56": "56+"}
OCCUPATIONS_1M = (
    "other",
    "academic/educator",
    "artist",
    "clerical/admin",
    "college/grad student",
    "customer service",
    "doctor/health care",
    "executive/managerial",
    "farmer",
    "homemaker",
    "K-12 student",
    "lawyer",
    "programmer",
    "retired",
    "sales/marketing",
    "scientist",
    "self-employed",
    "technician/engineer",
    "tradesman/craftsman",
    "unemployed",
    "writer",
)
GENDERS = {"M": "male", "F": "female"}
_YEAR = re.compile(r"\((\d{4})\)")
Parse = Callable[[Source, Context], Iterator[Row]]


def plan_100k(request: Request) -> Plan:
    return _plan(request, ("u.item", item_100k, "u.user", end_user_100k, "u.data", "\t"), "movielens-100k")


def plan_1m(request: Request) -> Plan:
    return _plan(request, ("movies.dat", item_1m, "users.dat", end_user_1m, "ratings.dat", "::"), "movielens-1m")


Layout = tuple[str, Callable[[str], Row], str, Callable[[str], Row], str, str]


def _plan(request: Request, layout: Layout, name: str) -> Plan:
    request.require_only(name, "path")
    item_file, item, end_user_file, end_user, rating_file, separator = layout
    path = request.path or Path()
    files = files_in(path)
    if missing := [name for name in (item_file, end_user_file, rating_file) if name not in files]:
        raise ImportFailedError(
            f"{path} has no {' and no '.join(missing)}, which {name} needs; it has {some_names(files)}."
            + (" For ratings in another layout use --format csv, with --items and --end-users." if files else "")
        )
    items, end_users, ratings = (Source(*files[name]) for name in (item_file, end_user_file, rating_file))
    return Plan(
        defaults=DEFAULTS,
        items=items.table(partial(rows, read=item)),
        end_users=end_users.table(partial(rows, read=end_user)),
        interactions=ratings.table(partial(rating_rows, separator=separator)),
    )


def lines(source: Source) -> Iterator[tuple[int, str]]:
    """(line number from 1, text) of every line that is not blank."""
    with source.open() as stream, io.TextIOWrapper(stream, encoding=ENCODING) as text:
        for number, line in enumerate(text, 1):
            if stripped := line.rstrip("\n"):
                yield number, stripped


def rows(source: Source, context: Context, *, read: Callable[[str], Row]) -> Iterator[Row]:
    for number, line in lines(source):
        try:
            row = read(line)
        except BadValueError as bad:
            context.reject(number, bad.reason, bad.found)
        else:
            yield number, *row


def rating_rows(source: Source, context: Context, *, separator: str) -> Iterator[Row]:
    """End user, item, rating, Unix seconds."""
    ratings = values.Ratings(context.rating_min, context.rating_max)
    identifier, seconds = values.identifier, values.seconds
    for number, line in lines(source):
        parts = line.split(separator)
        if len(parts) != 4:
            context.reject(number, f"{len(parts)} fields instead of 4", line)
            continue
        try:
            row = (
                number,
                identifier(parts[0], "end user"),
                identifier(parts[1], "item"),
                ratings[parts[2]],
                None,
                seconds(parts[3]),
            )
        except BadValueError as bad:
            context.reject(number, bad.reason, bad.found)
        else:
            yield row


def _fields(line: str, separator: str, count: int) -> list[str]:
    parts = line.split(separator)
    if len(parts) != count:
        raise BadValueError(f"{len(parts)} fields instead of {count}", line)
    return parts


def item_1m(line: str) -> Row:
    """MovieID::Title::Genre|Genre"""
    number, title, genres = _fields(line, "::", 3)
    return _item(number, title, [genre for genre in genres.split("|") if genre])


def item_100k(line: str) -> Row:
    """id | title | release date | video date | URL | 19 flags. Counted from the end: a URL may contain a "|"."""
    parts = line.split("|")
    flags = parts[-len(GENRES_100K) :]
    if len(parts) < 5 + len(GENRES_100K) or not set(flags) <= {"0", "1"}:
        raise BadValueError(f"not {5 + len(GENRES_100K)} fields that end with {len(GENRES_100K)} flags", line)
    genres = [genre for genre, flag in zip(GENRES_100K, flags, strict=True) if flag == "1" and genre != "unknown"]
    return _item(parts[0], parts[1], genres, released=parts[2])


def _item(number: str, title: str, genres: list[str], *, released: str = "") -> Row:
    years = _YEAR.findall(title)
    year = years[-1] if years else released[-4:]
    attributes = values.attributes((("genres", genres), ("year", int(year) if year.isdecimal() else None)))
    return values.identifier(number, "item"), values.title(title), attributes


def end_user_1m(line: str) -> Row:
    """UserID::Gender::Age::Occupation::Zip-code; age and occupation are codes."""
    number, gender, age, occupation, _ = _fields(line, "::", 5)
    known = occupation.isdecimal() and int(occupation) < len(OCCUPATIONS_1M)
    return _end_user(number, AGES_1M.get(age, age), gender, OCCUPATIONS_1M[int(occupation)] if known else occupation)


def end_user_100k(line: str) -> Row:
    """id | age | gender | occupation | zip code"""
    number, age, gender, occupation, _ = _fields(line, "|", 5)
    return _end_user(number, values.number_or_text(age), gender, occupation)


def _end_user(number: str, age: str | int | float, gender: str, occupation: str) -> Row:
    pairs = (("age", age), ("gender", GENDERS.get(gender, gender)), ("occupation", occupation))
    return values.identifier(number, "end user"), values.attributes(pairs)
