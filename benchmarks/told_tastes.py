"""The sample catalog's planted tastes in words: in the template's sentences, and in prose as language models write it.

Every wording says the same of a person: two loved genres, one or two avoided ones, a director, a period. The prose was
written by hand after what models write: likes and dislikes in one sentence, hedges, examples, lists.
"""

from collections.abc import Sequence

from recommender.catalogs.sample import truth
from recommender.catalogs.sample.truth import Taste

TEMPLATE = "template"
PERIODS = {  # by first year
    1920: ("films made before 1960", "anything older than 1960"),
    1960: ("films of the 1960s and 1970s", "cinema from the sixties and seventies"),
    1980: ("films made between 1980 and 1994", "films from 1980 to 1994"),
    1995: ("films made since 1995", "films from 1995 onwards"),
}
STYLES: dict[str, Sequence[str]] = {
    "contrast": (
        "While this viewer is clearly drawn to {love} and {love2}, {avoid} tend to leave them cold{avoid2_so}. They hold "
        "{director} in high regard and are happiest with {period}.",
        "The user gravitates towards {love} and {love2}, whereas {avoid}{or_avoid2} are met with little enthusiasm. "
        "{director} is a favourite director, and {period} appeal to them.",
        "Although {avoid}{or_avoid2} rarely interest this person, they are fond of {love} and {love2}; they admire "
        "{director}, and enjoy {period}.",
        "{Love} and {love2} delight them, but {avoid}{and_avoid2} bore them. They love the films of {director} and have "
        "a liking for {period}.",
    ),
    "hedged": (
        "Overall, they seem to enjoy {love} quite a bit and appear to be fond of {love2} as well. They do not seem to "
        "care much for {avoid}{or_avoid2}. They generally like films by {director}, and tend to like {period}.",
        "It appears that {love} and {love2} are what this user mostly likes, and that they tend to avoid {avoid}"
        "{and_avoid2}. There is some evidence that they enjoy {director}'s work and {period}.",
        "For the most part the person likes {love2} and, perhaps even more, {love}; they are usually not interested in "
        "{avoid}{or_avoid2}. They probably like {director} and often enjoy {period}.",
    ),
    "examples": (
        "They love {love} such as “{ex_love}” and {love2} like “{ex_love2}”, but dislike {avoid}, for example "
        "“{ex_avoid}”{nor_avoid2}. They are a fan of {director} and of {period}.",
        "They have a passion for {love}, as “{ex_love}” shows, and are equally taken with {love2} (“{ex_love2}”). By "
        "contrast, {avoid} such as “{ex_avoid}” do not appeal to them{nor_avoid2}. They like movies by {director}, and "
        "{period}.",
        "This person enjoys {love} (e.g. “{ex_love}”) and {love2} (e.g. “{ex_love2}”) while disliking {avoid} (e.g. "
        "“{ex_avoid}”){and_avoid2}. {director} is among their favourite directors; they also favour {period}.",
    ),
    "list": (
        "User preference:\n- Loves: {love}, {love2}\n- Dislikes: {avoid}{comma_avoid2}\n- Favourite director: "
        "{director}\n- Enjoys {period}",
        "1. Strong preference for {love} and {love2}.\n2. Little interest in {avoid}{or_avoid2}.\n"
        "3. Enjoys the films of {director}.\n4. Likes {period}.",
        "**Likes:** {love} and {love2}; films by {director}; {period}.\n**Dislikes:** {avoid}{and_avoid2}.",
    ),
    "chatty": (
        "Give them {love} any day, or {love2}; they can't stand {avoid}{or_avoid2}. They adore {director} and have a "
        "soft spot for {period}.",
        "This is somebody who is mad about {love} and {love2}. {Avoid}? Not for them{nor_avoid2}. They can't get enough "
        "of {director}, nor of {period}.",
        "A real lover of {love}, and keen on {love2} too; {avoid}{and_avoid2} bore them to tears. They are crazy about "
        "{director} and enjoy {period}.",
    ),
}
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
    love, avoid = (" and ".join(f"{genre.lower()} movies" for genre in genres) for genres in (taste.loves, taste.avoids))
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
