"""The demonstration actor's first drafts: counts the last entries three times and takes one sample for a rule.

That is on purpose, and so is what is plainly wrong in one draft of eight (remarks.py): it gives the reflector and the
annotators something to find, as a language model's draft would.
"""

from collections.abc import Iterable

from worker.endpoint.demonstration.checks import fair
from worker.endpoint.demonstration.features import Feature, Record
from worker.endpoint.demonstration.phrasing import Voice, attributed, shortened
from worker.endpoint.demonstration.reading import Entry, Reading
from worker.endpoint.demonstration.remarks import remark
from worker.endpoint.demonstration.statements import Aspect, Evidence, Strength

MOST_LIKED, MOST_AVOIDED = 3, 2  # tastes in a first draft
REMARK_AT = 2  # sentences before it, where there are so many
CARELESS = 3  # drafts that are eager for every one that is sober


def draft(reading: Reading, *, variation: str = "") -> str:
    """`variation`: what a sampled draft differs by; in its words, and in how careful it is."""
    evidence = Evidence.of(reading)
    voice = Voice(noun=reading.noun, seed=reading.data + variation)
    sentences = list(_item(evidence, voice) if reading.is_item else _person(evidence.records["person"], voice))
    if made := remark(evidence, voice):
        sentences.insert(REMARK_AT, made.sentence)
    return shortened(sentences)


def _person(record: Record, voice: Voice) -> Iterable[str]:
    known = [entry for entry in record.entries if entry.liked is not None]
    if not known:
        yield "The history shown says nothing about what this person likes: no entry in it was judged either way."
        yield "Until there is more, popular choices of every kind are as good a start as any."
        return
    liked = [entry for entry in known if entry.liked]
    yield voice.pick(OPENINGS, "opening").format(liked=len(liked), count=len(known), noun=voice.noun)
    yield from _tastes(record, voice, "person", most_liked=MOST_LIKED, most_avoided=MOST_AVOIDED)
    yield from _extremes(known, voice)
    last = [voice.entry(entry) for entry in known[-2:] if entry.liked]
    if last:
        yield voice.pick(ENDINGS, "ending").format(last=" and ".join(last))


def _extremes(known: list[Entry], voice: Voice) -> Iterable[str]:
    """The best and the worst rated title; where there are no ratings, some of each kind."""
    rated = sorted((entry for entry in known if entry.rating), key=lambda entry: float(entry.rating))
    if len(rated) > 2 and rated[0].rating != rated[-1].rating:
        yield voice.pick(EXTREMES, "extremes").format(best=voice.entry(rated[-1]), worst=voice.entry(rated[0]))
    elif not rated:
        for outcome, words in ((True, "What worked"), (False, "What did not work")):
            if some := [entry for entry in known if entry.liked is outcome][:3]:
                yield f"{words} includes {listed([voice.entry(entry) for entry in some])}."


OPENINGS = (
    "Of the {count} entries with an opinion {liked} ended well, which says something about how this person chooses.",
    "This person judges for themselves: {liked} of {count} entries met with approval.",
    "Reading the history from its beginning, {liked} of {count} entries left a good impression.",
)
EXTREMES = (
    "Between {best} at one end and {worst} at the other lies the whole range of their judgement.",
    "Nothing was received better than {best}, and nothing worse than {worst}.",
)
ENDINGS = (
    "The end of the history, with {last}, shows where they stand now.",
    "Most recently, {last} confirmed the direction they are going.",
)


def _tastes(record: Record, voice: Voice, aspect: Aspect, *, most_liked: int, most_avoided: int) -> Iterable[str]:
    scores = _sober(record) if voice.number("care", CARELESS + 1) == 0 else record.eager
    ranked = sorted(scores, key=lambda feature: (-scores[feature], feature))
    ranked = [feature for feature in ranked if not record.is_everywhere(feature)]
    liked = [feature for feature in ranked if scores[feature] > 0][:most_liked]
    avoided = [feature for feature in reversed(ranked) if scores[feature] < 0][:most_avoided]
    for stance, features in ((1, liked), (-1, avoided)):
        for feature in features:
            yield voice.taste(feature, stance, _eager_strength(feature, record, stance), record.tally(feature), aspect)


def _sober(record: Record) -> dict[Feature, float]:
    """Features that the counts allow to be called liked or avoided, the broadest evidence first."""
    allowed = {feature: fair(feature, record) for feature in record.tallies}
    return {
        feature: found[0] * record.tally(feature).count * feature.weight
        for feature, found in allowed.items()
        if found is not None and found[1] == Strength.PLAIN
    }


def _eager_strength(feature: Feature, record: Record, stance: int) -> Strength:
    """Strong where nothing speaks against it, however little speaks for it."""
    tally = record.tally(feature)
    against = len(tally.disliked if stance > 0 else tally.liked)
    return Strength.PLAIN if against else Strength.STRONG


def _item(evidence: Evidence, voice: Voice) -> Iterable[str]:
    yield from facts(evidence, voice)
    yield from _over_read(evidence, voice)
    sides: tuple[Aspect, Aspect] = ("liker", "disliker")
    for aspect in sides:
        record = evidence.record(aspect)
        if record is not None and record.tallies:
            yield from _tastes(record, voice, aspect, most_liked=2 if aspect == "liker" else 1, most_avoided=1)
        else:
            yield from _without_history(evidence, voice, aspect)


def facts(evidence: Evidence, voice: Voice) -> Iterable[str]:
    reading = evidence.reading
    title = f"“{reading.title}”"
    genres = [feature.genre for feature in evidence.facts if feature.weight == 1.0]
    others = [feature for feature in evidence.facts if feature.weight < 1.0]
    if not evidence.facts:
        yield f"Beyond its title little is on record about the {reading.noun} {title}; its reception must speak for it."
        return
    kind = f"{listed(genres)} {reading.noun}" if genres else reading.noun
    article = "an" if kind[:1] in "aeiou" else "a"
    yield f"{title} is {article} {', '.join([kind, *(feature.qualifier for feature in others[:3])])}."


def _over_read(evidence: Evidence, voice: Voice) -> Iterable[str]:
    """What a draft adds to the facts although nothing on record says it; in one draft of four."""
    record = evidence.record("liker")
    whim = voice.number("whim", 8)
    if whim == 0:
        yield f"It is a celebrated {evidence.reading.noun} in its field."
    elif whim == 1 and record is not None:
        known = {fact.value for fact in evidence.facts}
        extra = [f for f in record.eager if record.eager[f] > 0 and f.weight == 1.0 and f.value not in known]
        if extra:
            favourite = max(extra, key=lambda feature: (record.eager[feature], feature))
            proof = voice.proof(record.tally(favourite).liked, most=1)
            yield f"It sits comfortably beside {favourite.phrase(evidence.reading.noun)} such as {proof}."


def _without_history(evidence: Evidence, voice: Voice, aspect: Aspect) -> Iterable[str]:
    genre = next((feature for feature in evidence.facts if feature.weight == 1.0), None)
    if genre is not None and voice.number((aspect, "guess"), 2):
        verb = "love" if aspect == "liker" else "clearly avoid"
        yield attributed(
            f"They {verb} {genre.phrase(evidence.reading.noun)}, as its place among them suggests.", aspect
        )
    else:
        yield without_history(aspect)


def without_history(aspect: Aspect) -> str:
    who = "liked it" if aspect == "liker" else "did not like it"
    return f"No history of anybody who {who} is given, so nothing can be said about that side yet."


def listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""
