"""What was found, in plain words: for pages and programs alike."""

from dataclasses import dataclass
from typing import Literal

from recommender.experiments.results import Against, Preference, Results
from recommender.measures.sequential import LEAST_DOING, LEAST_USERS
from recommender.models import Experiment, ExperimentState, Metric

Tone = Literal["good", "bad", "info", "warn"]
DO: dict[Metric, str] = {
    Metric.CLICKING: "clicked",
    Metric.CLICKED_LISTS: "clicked",
    Metric.LIKING: "liked an item",
    Metric.BUYING: "bought an item",
    Metric.RATING: "rated an item",
    Metric.HELPFUL: "said that reasons helped",
}


@dataclass(frozen=True, slots=True)
class Said:
    """`code`: better, worse, alike, not_known, too_few or not_valid. Safe to stop: it will not become untrue."""

    code: str
    words: str
    tone: Tone
    safe_to_stop: bool


def verdict(against: Against, experiment: Experiment) -> Said:
    """One variant against the first. Of a stopped one nobody says what is to be done with it."""
    name, lift, smallest = against.name, against.lift, experiment.smallest_lift
    unknown, safe = open_words(experiment), _safe(experiment)
    if lift is None:
        if is_over(experiment):
            few = f"fewer than {LEAST_USERS} users of one were observed to the end, or fewer than {LEAST_DOING} of one "
            return Said("too_few", f"{unknown}: {few}{DO[against.metric]}.", "info", False)
        least = f"{LEAST_USERS} users of each must have been observed and {LEAST_DOING} of each have "
        return Said("too_few", f"{unknown}: at least {least}{DO[against.metric]}.", "info", False)
    would = "would have told" if is_over(experiment) else "would tell"
    more = f" About {against.more:,} more users {would} a difference of {percent(smallest)}." if against.more else ""
    if lift.low is None or lift.high is None:
        return Said("not_known", f"{unknown} whether {name} is better.{more}", "info", False)
    if lift.low > 0:
        return Said("better", f"{name} is better by {span(lift.low, lift.high)}{safe}.", "good", True)
    if lift.high < 0:
        return Said("worse", f"{name} is worse by {span(-lift.high, -lift.low)}{safe}.", "bad", True)
    between = f"between {signed(lift.low)} and {signed(lift.high)}"
    if -smallest < lift.low and lift.high < smallest:
        said = f"{name} is neither better nor worse by {percent(smallest)} ({between}){safe}."
        return Said("alike", said, "info", True)
    return Said("not_known", f"{unknown}: {name} is {between}.{more}", "info", False)


def preferred(found: Preference, experiment: Experiment) -> Said:
    """Of mixed lists."""
    first, second = (each["name"] for each in experiment.variants)
    low, high = found.chance.low or 0.0, 1.0 if found.chance.high is None else found.chance.high
    some, unknown, safe = "of the users who prefer one", open_words(experiment), _safe(experiment)
    if not found.wins + found.losses:
        said = f"{unknown}: nobody has clicked more items of one than of the other."
        return Said("too_few", said, "info", False)
    if low > 0.5:
        return Said("better", f"{second} is preferred by {span(low, high)} {some}{safe}.", "good", True)
    if high < 0.5:
        return Said("worse", f"{first} is preferred by {span(1 - high, 1 - low)} {some}{safe}.", "bad", True)
    said = f"{unknown}: {second} is preferred by {span(low, high)} {some}."
    return Said("not_known", said, "info", False)


def is_over(experiment: Experiment) -> bool:
    return experiment.state == ExperimentState.STOPPED


def open_words(experiment: Experiment) -> str:
    """What begins the words of what is not known."""
    return "Not known" if is_over(experiment) else "Not known yet"


def _safe(experiment: Experiment) -> str:
    return "" if is_over(experiment) else ": safe to stop"


def verdicts(results: Results) -> list[Said]:
    """Of the metric that decides. Where users were not dealt out as meant nothing else is said."""
    if warning := shares_warning(results):
        return [Said("not_valid", warning, "bad", False)]
    if results.preference:
        return [preferred(results.preference, results.experiment)]
    return [verdict(each, results.experiment) for each in results.primary]


def shares_warning(results: Results) -> str:
    """Empty where users were dealt out as meant, as far as can be told."""
    if not results.shares.wrong:
        return ""
    dealt = ", ".join(f"{name} {count:,}" for name, count, _ in results.shares.counts)
    return (
        f"Do not use these figures: users were not dealt out as meant ({dealt}). Something loses or adds lists of one "
        "variant: look for requests that are not logged, retries, or filters of your own."
    )


def shares_words(results: Results) -> str:
    """That users were dealt out as meant; empty where they were not, or where nobody has got a list."""
    users = sum(count for _, count, _ in results.shares.counts)
    if results.shares.wrong or not users or results.preference:
        return ""
    dealt = ", ".join(
        f"{name} {percent(count / users)} of {percent(share)}" for name, count, share in results.shares.counts
    )
    return f"Users were dealt out as meant, as far as {users:,} can tell: {dealt}."


def percent(share: float) -> str:
    return f"{_number(100 * share)} %"


def span(low: float, high: float) -> str:
    """Of two shares, in percent."""
    return f"{_number(100 * low)} to {_number(100 * high)} %"


def signed(share: float) -> str:
    written = _number(abs(100 * share))
    return f"{'−' if share < 0 else '+'}{written} %" if written != "0" else "0 %"


def _number(value: float) -> str:
    digits = 0 if abs(value) >= 20 else 1 if abs(value) >= 1 else 2
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
