"""What a teacher sees of one example: evidence and a target. It has no place for the target's rating or label."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from recommender.rounds.core.types import Encounter, Subject


@dataclass(frozen=True, slots=True)
class Triple:
    """R4ec's (history, target, label) without the label.

    End users: `subject` has the history, the target is an item (`target_title`, `target_attributes`).
    Items: `subject` is the item with its liker's and disliker's history, the target is an end user, of whom only
    `target_history` is shown.
    """

    subject: Subject
    target_title: str = ""
    target_attributes: dict[str, Any] = field(default_factory=dict)
    target_history: tuple[Encounter, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(
            subject=Subject.from_json(data["subject"]),
            target_title=data["target_title"],
            target_attributes=data["target_attributes"],
            target_history=tuple(Encounter(**one) for one in data["target_history"]),
        )
