"""What a version must show before it may take over. Pure: measured values in, words people can act on out."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from recommender.artifacts.golden import TOLERANCE, Differences
from recommender.measures.bootstrap import Interval

Outcome = Literal["passed", "unsure", "failed"]
LABELS = {
    "files": "Files unchanged",
    "golden": "Same answers after export",
    "parity": "Same score alone or in a list",
    "latency": "Fast enough",
    "gauc": "Order of each user's items",
    "ndcg": "First ten of each list",
}
MEASURES = {"gauc": "GAUC", "ndcg": "NDCG@10"}
QUALITY = ("gauc", "ndcg")
REQUIRED = tuple(LABELS)
# Times 1 / √(end users): twice the standard error that the difference of two equally good versions has.
RESOLUTION = {"gauc": 0.15, "ndcg": 0.25}


@dataclass(frozen=True, slots=True)
class Limits:
    """`gauc_margin`, `ndcg_margin`: how much worse than the active version may be; `latency_ms`: p95 of one ranking."""

    gauc_margin: float
    ndcg_margin: float
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Gate:
    """One requirement. `value` is what was measured and `limit` what it is held against; None: nothing to measure.

    `unsure`: neither shown to be good enough nor to be worse. `end_users`: of how many it was measured; `needed`: how
    many would about show that it is good enough, were the difference what it seems; None: that would not show it.
    """

    name: str
    outcome: Outcome
    words: str
    value: float | None = None
    limit: float | None = None
    low: float | None = None
    high: float | None = None
    end_users: int | None = None
    needed: int | None = None

    @property
    def passed(self) -> bool:
        return self.outcome == "passed"

    @property
    def label(self) -> str:
        return LABELS[self.name]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"passed": self.passed, "label": self.label}


def files(changed: Sequence[str]) -> Gate:
    """`changed`: names of files that are missing or differ from what was stored."""
    if changed:
        return Gate("files", "failed", f"Changed since it was trained: {', '.join(changed)}. Train it again.")
    return Gate("files", "passed", "Every file has the hash it was stored with.")


def golden(found: Differences | None) -> Gate:
    if found is None or not found.end_users:
        return Gate("golden", "failed", "It was made without golden users, by an earlier release. Train it again.")
    value = found.eager_and_served
    said = (
        f"{found.end_users} real end users: the exported graph and the trained backbone differ by {value:.1e} at most; "
        f"{TOLERANCE:.0e} is allowed."
    )
    return Gate("golden", "passed" if value <= TOLERANCE else "failed", said, value, TOLERANCE)


def parity(found: Differences | None) -> Gate:
    if found is None or not found.end_users:
        return Gate("parity", "failed", "There are no golden users to compare on. Train it again.")
    value = found.one_and_many
    said = f"An item ranked alone and among all others differs by {value:.1e} at most; {TOLERANCE:.0e} is allowed."
    return Gate("parity", "passed" if value <= TOLERANCE else "failed", said, value, TOLERANCE)


def latency(p95_ms: float | None, *, requests: int, items: int, limit_ms: float) -> Gate:
    if p95_ms is None:
        return Gate("latency", "passed", "No end user has anything left to rank.", limit=limit_ms)
    said = (
        f"95 % of {requests} rankings of {items:,} items took at most {p95_ms:.1f} ms, the best of three each; "
        f"{limit_ms:g} ms are allowed (R4_GATE_LATENCY_MS)."
    )
    return Gate("latency", "passed" if p95_ms <= limit_ms else "failed", said, p95_ms, limit_ms)


def first(name: str) -> Gate:
    """The quality gate where no other version is active."""
    return Gate(name, "passed", "No other version is active, so there is none to be worse than.")


def useless(name: str, number: int, why: str) -> Gate:
    """The quality gate beside an active version that cannot rank."""
    return Gate(name, "passed", f"Version {number} is active but cannot rank, so there is none to be worse than. {why}")


def unmeasured(name: str, why: str) -> Gate:
    return Gate(name, "unsure", f"It could not be compared with the active version: {why}")


def quality(name: str, difference: Interval | None, *, margin: float, against: int) -> Gate:
    """The candidate's score less the active version's (number `against`), over the same end users and rows.

    Passed only where even the lower end of the 95 % interval is not below what is allowed (`allowed_loss`). Failed
    where all of it is below 0, and its lower end below the margin.
    """
    label, setting = MEASURES[name], f"R4_GATE_{name.upper()}_MARGIN"
    if difference is None:
        return Gate(name, "unsure", f"Nobody tested both likes and dislikes something, so there is no {label}.")
    low, high, value, needed = difference.low, difference.high, difference.estimate, None
    seen = f"{signed(value)} against version {against}, 95 % interval {signed(low)} to {signed(high)}"
    most = allowed_loss(name, margin, difference.end_users)
    why = setting if most == margin else f"so few end users cannot show less; {setting} with more of them"
    allowed = f"at worst {signed(-most)} is allowed ({why})"
    if low >= -margin or (high >= 0 and low >= -most):
        outcome: Outcome = "passed"
        said = f"{label} is {seen}; {allowed}. {difference.end_users:,} end users."
    elif high < 0:
        outcome = "failed"
        said = f"{label} is {seen}; {allowed}. {difference.end_users:,} end users."
    else:
        outcome, needed = "unsure", needed_for(name, difference, margin)
        would = f"about {needed:,} tested end users would show it" if needed else "it may as well be chance"
        said = (
            f"Too few end users to tell: with {difference.end_users:,} of them {label} is {seen}, and {allowed}. "
            f"If the difference is what it seems, {would}."
        )
    return Gate(name, outcome, said, value, -most, low, high, difference.end_users, needed)


def allowed_loss(name: str, margin: float, end_users: int) -> float:
    """What a version may be worse by: `margin`, or what so few end users can show at all (docs/evaluation.md)."""
    return max(margin, RESOLUTION[name] / math.sqrt(max(end_users, 1)))


def needed_for(name: str, difference: Interval, margin: float) -> int | None:
    """End users with whom an unsure difference would pass, in two digits: it stays as it is, its interval's lower half
    shrinks as 1 / √n does. None: with none, for it is worse by the margin or more."""
    value, reach = difference.estimate, (difference.estimate - difference.low) * math.sqrt(difference.end_users)
    roots = [reach / (value + margin)] if value > -margin else []  # to the margin itself
    roots += [(reach - RESOLUTION[name]) / value] if value > 0 else []  # to what so many can show
    if not roots:
        return None
    found = min(roots) ** 2
    digits = round(10.0 ** max(0, math.floor(math.log10(found)) - 1))
    return math.ceil(found / digits) * digits


def missing(gates: Sequence[dict[str, Any]]) -> list[str]:
    """Required gates that were not measured, by label."""
    have = {gate["name"] for gate in gates}
    return [LABELS[name] for name in REQUIRED if name not in have]


def signed(value: float) -> str:
    """With its sign, a real minus, and four decimals; never a signed zero."""
    text = f"{abs(value):.4f}"
    return text if float(text) == 0 else f"{'+' if value > 0 else '−'}{text}"
