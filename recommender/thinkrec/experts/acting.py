"""Which adapters of a tuned model scored a list, as the list remembers it. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from recommender.thinkrec.experts.gate import Choice, Kind


@dataclass(frozen=True, slots=True)
class Acting:
    """`names` (1 + N): of the global adapter, then of each expert. `kind`, `weights` (N): the gate's choice.

    `mixed`: whether the answers of several adapters were mixed, where their weights could not be summed. `grouping`:
    the number of the groups; None where no expert could act.
    """

    names: tuple[str, ...]
    kind: Kind
    weights: tuple[float, ...]
    grouping: int | None = None
    mixed: bool = False

    @property
    def choice(self) -> Choice:
        return Choice(self.kind, self.weights)

    @property
    def shares(self) -> list[tuple[str, float]]:
        """The adapters that acted, each with its part of 1, the largest first; one that stands for several is one."""
        parts: dict[str, float] = {}
        for name, scale in zip(self.names, self.choice.scales, strict=True):
            parts[name] = parts.get(name, 0.0) + scale
        return sorted(((name, part) for name, part in parts.items() if part > 0), key=lambda pair: -pair[1])

    @property
    def label(self) -> str:
        """`: group-1 70 %, group-2 30 %` after the model's name; empty where experts were left out."""
        if not self.weights:
            return ""
        shared = self.names[0]
        told = [
            ("global adapter" if name == shared else name.removeprefix(f"{shared}-"), part)
            for name, part in self.shares
        ]
        words = ", ".join(f"{name} {part:.0%}" if len(told) > 1 else name for name, part in told)
        return f": {words}{', answers mixed' if self.mixed else ''}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "names": tuple(data["names"]), "weights": tuple(data["weights"])})
