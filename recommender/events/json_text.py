"""JSON that programs send, read so that nothing in it is passed over in silence."""

import json
from typing import Any


class RepeatedNameError(ValueError):
    """An object names a member twice; which of the two is meant nobody can tell (RFC 8259, 4)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The member `{name[:60]}` stands twice in one object. Send it once.")


def read(text: str | bytes) -> Any:
    """Raises RepeatedNameError, and what json.loads raises: ValueError, or RecursionError for brackets in thousands."""
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise RepeatedNameError(next(name for name in names if names.count(name) > 1))
    return made
