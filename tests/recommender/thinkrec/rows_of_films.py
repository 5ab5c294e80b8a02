"""ThinkRec's rows of made-up films, for tests: end users who like one of two kinds, and say why."""

from recommender.thinkrec.prompts import Described
from recommender.thinkrec.tuning.config import ThinkrecConfig
from recommender.thinkrec.tuning.rows import YES_NO, Prompts, Row, Rows

KINDS = ("Drama", "Action")
ITEMS = {f"{kind} {n}": Described(f"{kind} {n} (1990)", (kind,)) for kind in KINDS for n in range(6)}
PROMPTS = Prompts(ITEMS, "movie")
GROUPS = {f"u{n}": KINDS[n % 2].lower() for n in range(8)}


def row(end_user: int, item: str, *, trace: str = "") -> Row:
    """What an end user thinks who likes dramas (even numbers) or action (odd ones)."""
    mine = KINDS[end_user % 2]
    label = item.startswith(mine)
    answer = YES_NO[label] + (f". {trace}" if trace else "")
    history = tuple((f"{kind} {n}", kind == mine) for n in range(2) for kind in KINDS)
    return Row(f"u{end_user}", item, label, "reason" if trace else "recommend", answer, history)


def rows() -> Rows:
    """8 end users: 32 rows on labels, 8 on traces, 32 valid ones."""
    labels = [row(user, f"{kind} {n}") for user in range(8) for n in (2, 3) for kind in KINDS]
    traces = [row(user, "Drama 2", trace="The history says so.") for user in range(8)]
    valid = [row(user, f"{kind} {n}") for user in range(8) for n in (4, 5) for kind in KINDS]
    return Rows([*labels, *traces], valid, {})


def config(base: str, **changes: object) -> ThinkrecConfig:
    """Few, large steps."""
    usual = ThinkrecConfig(base=base, learning_rate=0.01, group_rate=0.01, steps=4, epochs=2, group_epochs=2)
    return usual.but(**{"batch_size": 2, "checkpoint": 3, "valid_rows": 8, "warm_up_steps": 2} | changes)
