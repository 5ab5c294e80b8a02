"""How rows are laid out for the trainers that read them.

`jsonl` and `parquet` are TRL's conversational types: prompt and completion; prompt, chosen and rejected; prompt,
completion and label. `sharegpt` and `alpaca` are LLaMA-Factory's two, described to it by a dataset_info.json.
"""

from typing import Any, Literal, get_args

from recommender.tuning.rows import PAIRS, Row, RowSet

Layout = Literal["jsonl", "parquet", "sharegpt", "alpaca"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)


def trl(row: Row) -> dict[str, Any]:
    """A row as TRL's trainers read it; `id`, `statements`, `struck` and `provenance` are columns passed over."""
    laid_out: dict[str, Any] = {"id": row.id, "prompt": list(row.prompt)}
    if row.set in PAIRS:
        laid_out |= {"chosen": [_assistant(row.answer)], "rejected": [_assistant(row.rejected)]}
    else:
        laid_out["completion"] = [_assistant(row.answer)]
    if row.set == "kto":
        laid_out["label"] = row.label
    return laid_out | _tagged(row) | {**_told(row), "provenance": row.provenance.to_json()}


def sharegpt(row: Row) -> dict[str, Any]:
    system, turns = _parts(row)
    laid_out: dict[str, Any] = {"conversations": [{"from": "human", "value": text} for text in turns]}
    if row.set in PAIRS:
        laid_out |= {"chosen": _gpt(row.answer), "rejected": _gpt(row.rejected)}
    else:
        laid_out["conversations"].append(_gpt(row.answer))
    if row.set == "kto":
        laid_out["kto_tag"] = row.label
    own = {"system": system, "id": row.id, **_told(row), "provenance": row.provenance.to_json()}
    return laid_out | _tagged(row) | own


def alpaca(row: Row) -> dict[str, Any]:
    system, turns = _parts(row)
    laid_out: dict[str, Any] = {"instruction": "\n\n".join(turns), "input": ""}
    if row.set in PAIRS:
        laid_out |= {"chosen": row.answer, "rejected": row.rejected}
    else:
        laid_out["output"] = row.answer
    if row.set == "kto":
        laid_out["kto_tag"] = row.label
    own = {"system": system, "id": row.id, **_told(row), "provenance": row.provenance.to_json()}
    return laid_out | _tagged(row) | own


def dataset_info(name: RowSet, layout: Literal["sharegpt", "alpaca"], file_name: str) -> dict[str, Any]:
    """LLaMA-Factory's description of one file."""
    columns = {"system": "system"}
    if layout == "sharegpt":
        columns["messages"] = "conversations"
    else:
        columns |= {"prompt": "instruction", "query": "input"}
    if name in PAIRS:
        columns |= {"chosen": "chosen", "rejected": "rejected"}
    elif layout == "alpaca":
        columns["response"] = "output"
    if name == "kto":
        columns["kto_tag"] = "kto_tag"
    described: dict[str, Any] = {"file_name": file_name, "formatting": layout, "columns": columns}
    return described | ({"ranking": True} if name in PAIRS else {})


def _tagged(row: Row) -> dict[str, str]:
    return {"tag": row.tag} if row.set == "trace" else {}


def _told(row: Row) -> dict[str, list[dict[str, Any]]]:
    told = {"statements": row.statements, "struck": row.struck}
    return {name: [one.to_json() for one in each] for name, each in told.items()}


def _parts(row: Row) -> tuple[str, list[str]]:
    system = "\n\n".join(message["content"] for message in row.prompt if message["role"] == "system")
    return system, [message["content"] for message in row.prompt if message["role"] == "user"]


def _assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _gpt(text: str) -> dict[str, str]:
    return {"from": "gpt", "value": text}
