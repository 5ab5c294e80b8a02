"""The demonstration reflector: counts, finds what a text gets wrong, and says so in plain words."""

from worker.endpoint.demonstration.checks import Finding, find_faults
from worker.endpoint.demonstration.features import Tally
from worker.endpoint.demonstration.phrasing import Voice
from worker.endpoint.demonstration.reading import Reading
from worker.endpoint.demonstration.statements import Evidence, read_text

MOST = 3  # findings in one critique
SIDES = {"person": "they", "liker": "people who like it", "disliker": "people who do not like it", "item": "it"}
VERBS = {1: "enjoy", -1: "avoid", 0: "are divided over", None: "enjoy"}


def judge(reading: Reading) -> tuple[bool, str]:
    """Whether a rationale is reasonable, and the critique (empty when it is)."""
    evidence = Evidence.of(reading)
    findings = find_faults(read_text(reading.rationale, evidence), evidence)
    voice = Voice(noun=reading.noun, seed=reading.data)
    return not findings, " ".join(_sentence(finding, voice) for finding in findings[:MOST])


def _sentence(finding: Finding, voice: Voice) -> str:
    side = SIDES[finding.aspect]
    if finding.entry is not None:
        title, rating = finding.entry.title, finding.entry.rating
        return f"Wrong: the text says that “{title}” was rated {finding.word}, but its rating is {rating}."
    if finding.feature is None:
        return f"Unsupported: the text says that it is {finding.word}, and no fact on record supports this."
    what = finding.feature.phrase(voice.noun)
    tally = finding.tally or Tally()
    if finding.fault == "invented":
        return f"Unsupported: the text says that it belongs with {what}, and no fact on record supports this."
    if finding.fault == "missing":
        return _missing(side, what, finding, tally, voice)
    claim = f"the text says that {side} {VERBS[finding.stance]} {what}"
    positive = (finding.stance or 1) > 0
    supporting, against = (tally.liked, tally.disliked) if positive else (tally.disliked, tally.liked)
    if finding.fault == "contradicted":
        outcome = "not liked" if positive else "liked"
        return (
            f"Contradicted: {claim}, but {len(against)} of {tally.count} were {outcome}, "
            f"among them {voice.proof(against, most=3)}."
        )
    if not tally.count:
        return f"Unsupported: {claim}, but no entry of that kind is there to show it."
    return (
        f"Too strong: {claim}, but only {voice.proof(supporting)} can be named for it, which is too little for a rule."
    )


def _missing(side: str, what: str, finding: Finding, tally: Tally, voice: Voice) -> str:
    named = tally.liked if (finding.stance or 1) > 0 else tally.disliked
    outcome = "liked" if (finding.stance or 1) > 0 else "not liked"
    of = "" if side == "they" else f" for {side}"
    count = f"{len(named)} of {tally.count} were {outcome}"
    return f"Missing: {what} are not mentioned{of}, although {count}, for example {voice.proof(named)}."
