"""The sample catalog's planted tastes in words: in the template's sentences, and in prose as language models write it.

Every wording says the same of a person: two loved genres, one or two avoided ones, a director, a period. The prose
(told_tastes.txt) was written by hand after what models write: likes and dislikes in one sentence, hedges, examples,
lists.
"""

from pathlib import Path

from recommender.catalogs.sample import truth
from recommender.catalogs.sample.truth import Taste

TEMPLATE = "template"
PERIODS = {  # by first year
    1920: ("films made before 1960", "anything older than 1960"),
    1960: ("films of the 1960s and 1970s", "cinema from the sixties and seventies"),
    1980: ("films made between 1980 and 1994", "films from 1980 to 1994"),
    1995: ("films made since 1995", "films from 1995 onwards"),
}


def _styles() -> dict[str, list[str]]:
    """The wordings by style: told_tastes.txt has one a line, a line's end in it as \\n."""
    styles: dict[str, list[str]] = {}
    for line in Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            styles[line.strip("[]")] = []
        elif line:
            styles[list(styles)[-1]].append(line.replace("\\n", "\n"))
    return styles


STYLES = _styles()
NOUNS = {
    "Animation": "animated films",
    "Comedy": "comedies",
    "Documentary": "documentaries",
    "Drama": "dramas",
    "Musical": "musicals",
    "Mystery": "mysteries",
    "Romance": "romances",
    "Thriller": "thrillers",
    "Western": "westerns",
}


def template(taste: Taste) -> str:
    love, avoid = (
        " and ".join(f"{genre.lower()} movies" for genre in genres) for genres in (taste.loves, taste.avoids)
    )
    first, last = taste.era
    return (
        f"They love {love}. They avoid {avoid}. "
        f"They love movies directed by {taste.director}. They enjoy movies from {first} to {last}."
    )


def prose(taste: Taste, style: str) -> str:
    """One of the style's wordings, always the same one for a person."""
    number = int(taste.user_id.lstrip("u"))
    wording = STYLES[style][number % len(STYLES[style])]
    love, love2 = (_said(genre) for genre in taste.loves)
    avoid, *others = (_said(genre) for genre in taste.avoids)
    also = others[0] if others else ""
    return wording.format(
        love=love,
        Love=love[0].upper() + love[1:],
        love2=love2,
        avoid=avoid,
        Avoid=avoid[0].upper() + avoid[1:],
        avoid2_so=f", and so do {also}" if also else "",
        nor_avoid2=f"; nor do they like {also}" if also else "",
        and_avoid2=f" and {also}" if also else "",
        or_avoid2=f" or {also}" if also else "",
        comma_avoid2=f", {also}" if also else "",
        director=taste.director,
        period=PERIODS[taste.era[0]][number % 2],
        ex_love=_example(taste.loves[0], number),
        ex_love2=_example(taste.loves[1], number),
        ex_avoid=_example(taste.avoids[0], number),
    )


def _said(genre: str) -> str:
    return NOUNS.get(genre, f"{genre.lower()} films")


def _example(genre: str, number: int) -> str:
    known = [film.title for film in truth.films() if genre in film.genres]
    return known[number % len(known)]


def told(taste: Taste, style: str) -> str:
    return template(taste) if style == TEMPLATE else prose(taste, style)
