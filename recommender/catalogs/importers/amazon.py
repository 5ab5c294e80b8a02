"""Amazon reviews and metadata, one JSON object a line, gzip or plain, with the field names of 2018 and of 2023
(https://amazon-reviews-2023.github.io, https://nijianmo.github.io/amazon/)."""

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from recommender.catalogs.importers import values
from recommender.catalogs.importers.files import Source, files_in, some_names
from recommender.catalogs.importers.plan import CatalogDefaults, Context, Plan, Request, Row
from recommender.catalogs.importers.records import json_objects
from recommender.catalogs.importers.report import ImportFailedError
from recommender.catalogs.importers.values import BadValueError

DEFAULTS = CatalogDefaults(like_threshold=4.0, prompt_attributes=("categories", "brand"))
SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
META = "meta_"
HIDDEN = ("script", "style", "noscript", "template")
_TAG = re.compile(r"</?[a-zA-Z][^>]*>|<!--")
_SCRIPT = re.compile(
    r"\bvar \w+ ?=|\bfunction ?\w*\(|\bif ?\(\w+\.\w+|\bwindow\.\w+|\.getTime\(|\{ ?[\w.#-]+ ?: ?[^{}]*; ?\}"
)


def plan(request: Request) -> Plan:
    """`request.path`: the reviews file, or a folder with one reviews file and its metadata (`meta_…`)."""
    request.require_only("amazon", "path", "items")
    reviews, metadata = _files(request)
    return Plan(
        defaults=DEFAULTS,
        items=Source(metadata).table(item_rows) if metadata else None,
        interactions=Source(reviews).table(review_rows),
    )


def _files(request: Request) -> tuple[Path, Path | None]:
    path = request.path or Path()
    if not path.is_dir():
        beside = sorted(path.parent.glob(f"{META}{_stem(path)}.json*"))
        return path, request.items or (beside[0] if beside else None)
    files = {name: file for name, (file, _) in files_in(path).items() if name.endswith(SUFFIXES)}
    reviews = [file for name, file in files.items() if not name.startswith(META)]
    metadata = [file for name, file in files.items() if name.startswith(META)]
    if len(reviews) != 1 or len(metadata) > 1:
        raise ImportFailedError(
            f"{path} should hold one reviews file and one metadata file, {META}… (.json or .jsonl, .gz or not); "
            f"it has {some_names(files_in(path))}. Give the reviews file itself, with --items for its metadata."
        )
    return reviews[0], request.items or (metadata[0] if metadata else None)


def _stem(path: Path) -> str:
    """Books_5.json.gz → Books: the 5-core file of 2018 shares the metadata of the whole."""
    return path.name.split(".")[0].removesuffix("_5")


def _first(value: dict[str, Any], *names: str) -> Any:
    for name in names:
        found = value.get(name)
        if found not in (None, "", []):
            return found
    return None


def review_rows(source: Source, context: Context) -> Iterator[Row]:
    """2018: reviewerID, asin, overall, unixReviewTime (seconds).
    2023: user_id, parent_asin, rating, timestamp (milliseconds)."""
    ratings = values.Ratings(context.rating_min, context.rating_max)
    for line, review in json_objects(source, context):
        try:
            rating = _first(review, "overall", "rating")
            old = review.get("unixReviewTime")
            row = (
                line,
                values.identifier(_first(review, "reviewerID", "user_id"), "end user"),
                values.identifier(_first(review, "parent_asin", "asin"), "item"),
                ratings["" if rating is None else str(rating)],
                None,
                values.milliseconds(_present(review.get("timestamp"))) if old is None else values.seconds(old),
            )
        except BadValueError as bad:
            context.reject(line, bad.reason, bad.found)
        else:
            yield row


def _present(timestamp: object) -> object:
    if timestamp is None:
        raise BadValueError("neither unixReviewTime nor timestamp")
    return timestamp


def item_rows(source: Source, context: Context) -> Iterator[Row]:
    """2018: asin, title, brand, category (a list), main_cat.
    2023: parent_asin, title, store, categories, main_category."""
    for line, meta in json_objects(source, context):
        try:
            pairs = (
                ("categories", _categories(_first(meta, "categories", "category"))),
                ("brand", _plain(_first(meta, "brand", "store"))),
                ("main_category", _plain(_first(meta, "main_category", "main_cat"))),
            )
            row = (
                line,
                values.identifier(_first(meta, "parent_asin", "asin"), "item"),
                values.title(_plain(meta.get("title"))),
                values.attributes(pairs),
            )
        except BadValueError as bad:
            context.reject(line, bad.reason, bad.found)
        else:
            yield row


class _Text(HTMLParser):
    """What a browser would show of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in HIDDEN
        self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in HIDDEN))
        self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def _plain(raw: Any) -> str:
    """2018's text carries HTML: entities, tags, and whole scripts of the page that it was taken from."""
    if not isinstance(raw, str):
        return ""
    text = html.unescape(raw)
    if _TAG.search(text):
        parser = _Text()
        parser.feed(text)
        parser.close()
        text = "".join(parser.pieces)
    return " ".join(_SCRIPT.split(text, maxsplit=1)[0].split())


def _categories(raw: Any) -> list[str]:
    """The path from the root; older files wrap it in a second list, and some hold one text instead of a list."""
    if isinstance(raw, list) and raw and isinstance(raw[0], list):
        raw = raw[0]
    parts = [raw] if isinstance(raw, str) else raw if isinstance(raw, list) else []
    return list(dict.fromkeys(_plain(part) for part in parts))
