"""MovieLens in GroupLens' own layouts (https://grouplens.org/datasets/movielens/).

100k, 1M and 10M are lines of fields; 20M, 25M, 32M and latest are CSV. From 10M on there are half stars and no people.
Text is UTF-8 or ISO-8859-1: copies of both go round.
"""

import io
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from recommender.catalogs.importers import values
from recommender.catalogs.importers.files import LATIN_1, Source, files_in, some_names, utf_8_or_latin_1
from recommender.catalogs.importers.plan import CatalogDefaults, Context, Plan, Request, Row, Table
from recommender.catalogs.importers.records import CsvRecords, Dialect
from recommender.catalogs.importers.report import ImportFailedError
from recommender.catalogs.importers.values import BadValueError

DEFAULTS = CatalogDefaults(item_noun="movie", prompt_attributes=("genres", "year"))
HALF_STARS = replace(DEFAULTS, rating_min=0.5)
NO_GENRES = "(no genres listed)"
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
FILM_COLUMNS = ("movieId", "title", "genres")
RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
LAYOUTS = {  # format: the files that only it has
    "movielens-100k": {"u.data", "u.item", "u.user"},
    "movielens-1m": {"ratings.dat", "movies.dat", "users.dat"},
    "movielens-10m": {"ratings.dat", "movies.dat"},
    "movielens-latest": {"ratings.csv", "movies.csv"},
}
_YEAR = re.compile(r"\((\d{4})\)")


def plan_100k(request: Request) -> Plan:
    items, end_users, ratings = _sources(request, "movielens-100k", "u.item", "u.user", "u.data")
    return _of_lines(DEFAULTS, (items, item_100k), (end_users, end_user_100k), (ratings, "\t"))


def plan_1m(request: Request) -> Plan:
    items, end_users, ratings = _sources(request, "movielens-1m", "movies.dat", "users.dat", "ratings.dat")
    return _of_lines(DEFAULTS, (items, item_1m), (end_users, end_user_1m), (ratings, "::"))


def plan_10m(request: Request) -> Plan:
    items, ratings = _sources(request, "movielens-10m", "movies.dat", "ratings.dat")
    return _of_lines(HALF_STARS, (items, item_1m), None, (ratings, "::"))


def plan_latest(request: Request) -> Plan:
    """20M, 25M, 32M and latest. Tags, links and genomes are not read."""
    items, ratings = _sources(request, "movielens-latest", "movies.csv", "ratings.csv")
    films, opinions = CsvRecords(items, Dialect()), CsvRecords(ratings, Dialect())
    for records, needed in ((films, FILM_COLUMNS), (opinions, RATING_COLUMNS)):
        if missing := [name for name in needed if name not in records.header()]:
            raise ImportFailedError(
                f"{records.name} has no column {missing[0]!r}; it has {some_names(records.header())}."
            )
    return Plan(
        defaults=HALF_STARS,
        items=films.table(partial(_films, films)),
        interactions=opinions.table(partial(_opinions, opinions)),
    )


def _sources(request: Request, form: str, *names: str) -> list[Source]:
    """The files with these names in the folder or zip that is asked for."""
    request.require_only(form, "path")
    path = request.path or Path()
    files = files_in(path)
    if missing := [name for name in names if name not in files]:
        raise ImportFailedError(
            f"{path} has no {' and no '.join(missing)}, which {form} needs; it has {some_names(files)}." + _meant(files)
        )
    return [Source(*files[name]) for name in names]


def _meant(files: Collection[str]) -> str:
    """What a folder looks like that was asked for as something else."""
    for form, names in LAYOUTS.items():
        if names <= set(files):
            return f" It looks like --format {form}."
    return " For ratings in another layout use --format csv, with --items and --end-users." if files else ""


Read = Callable[[str], Row]


def _of_lines(
    defaults: CatalogDefaults,
    items: tuple[Source, Read],
    end_users: tuple[Source, Read] | None,
    ratings: tuple[Source, str],
) -> Plan:
    notes: list[str] = []
    source, separator = ratings
    return Plan(
        defaults=defaults,
        items=table(*items, notes),
        end_users=table(*end_users, notes) if end_users else None,
        interactions=source.table(partial(rating_rows, separator=separator)),
        notes=tuple(filter(None, notes)),
    )


def table(source: Source, read: Read, notes: list[str]) -> Table:
    """The table of a file of lines; `notes` gets which encoding it has, where that makes a difference."""
    encoding, note = utf_8_or_latin_1(source)
    notes.append(note)
    return source.table(partial(rows, read=read, encoding=encoding))


def lines(source: Source, encoding: str) -> Iterator[tuple[int, str]]:
    """(line number from 1, text) of every line that is not blank."""
    with source.open() as stream, io.TextIOWrapper(stream, encoding=encoding) as text:
        for number, line in enumerate(text, 1):
            if stripped := line.rstrip("\n"):
                yield number, stripped


def rows(source: Source, context: Context, *, read: Read, encoding: str) -> Iterator[Row]:
    for number, line in lines(source, encoding):
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
    for number, line in lines(source, LATIN_1):
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


def _films(records: CsvRecords, context: Context) -> Iterator[Row]:
    for line, (number, title, genres) in records.rows(FILM_COLUMNS, context):
        try:
            row = _item(number, title, _genres(genres))
        except BadValueError as bad:
            context.reject(line, bad.reason, bad.found)
        else:
            yield line, *row


def _opinions(records: CsvRecords, context: Context) -> Iterator[Row]:
    ratings = values.Ratings(context.rating_min, context.rating_max)
    identifier, seconds = values.identifier, values.seconds
    for line, (end_user, item, rating, when) in records.rows(RATING_COLUMNS, context):
        try:
            row = (
                line,
                identifier(end_user, "end user"),
                identifier(item, "item"),
                ratings[rating],
                None,
                seconds(when),
            )
        except BadValueError as bad:
            context.reject(line, bad.reason, bad.found)
        else:
            yield row


def _genres(text: str) -> list[str]:
    return [genre for genre in text.split("|") if genre and genre != NO_GENRES]


def _fields(line: str, separator: str, count: int) -> list[str]:
    parts = line.split(separator)
    if len(parts) != count:
        raise BadValueError(f"{len(parts)} fields instead of {count}", line)
    return parts


def item_1m(line: str) -> Row:
    """MovieID::Title::Genre|Genre"""
    number, title, genres = _fields(line, "::", 3)
    return _item(number, title, _genres(genres))


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
