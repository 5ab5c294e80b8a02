"""Two lists mixed into one by team draft (Radlinski, Kurup, Joachims, CIKM 2008). Pure.

In turn each side puts its best item that is not there yet; who begins a turn is told by chance. A click then speaks
for the side that put the item there.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import count

NOBODY = -1


def coins(written: str) -> Callable[[], bool]:
    """Fair coins that fall the same way whenever they are thrown for this text."""

    def thrown() -> Iterator[bool]:
        for number in count():
            bits = int.from_bytes(hashlib.sha256(f"{written}\0{number}".encode()).digest())
            for place in range(256):
                yield bool(bits >> place & 1)

    falls = thrown()
    return lambda: next(falls)


def team_draft(one: Sequence[int], other: Sequence[int], coin: Callable[[], bool]) -> list[tuple[int, int]]:
    """(item, side 0 or 1) of the mixed list. What is left when a side has nothing more to put belongs to NOBODY."""
    sides = (one, other)
    at, put = [0, 0], [0, 0]
    there: set[int] = set()
    mixed: list[tuple[int, int]] = []
    while True:
        for side in (0, 1):
            while at[side] < len(sides[side]) and sides[side][at[side]] in there:
                at[side] += 1
        if at[0] >= len(one) or at[1] >= len(other):
            break
        side = int(put[1] < put[0] or (put[0] == put[1] and coin()))
        item = sides[side][at[side]]
        mixed.append((item, side))
        there.add(item)
        put[side] += 1
    rest = [item for side in (0, 1) for item in sides[side][at[side] :] if item not in there]
    return [*mixed, *((item, NOBODY) for item in dict.fromkeys(rest))]
