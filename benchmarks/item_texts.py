"""Item texts for ML-100k, those of ML-1M's films of the same title and year: a file for `evaluate --knowledge-file`.

python -m benchmarks.item_texts FILE [--data FOLDER]
"""

import argparse
import gzip
import json
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent.parent / "shared/data"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    found = of_ml_100k(options.data)
    with options.file.open("w") as file:
        file.writelines(json.dumps({"item_id": number, "text": text}) + "\n" for number, text in found.items())
    print(f"{len(found):,} texts in {options.file}.")


def of_ml_1m(data: Path = DATA) -> dict[str, str]:
    """The text about each film that has one, by its number."""
    with gzip.open(data / "ml-1m/item_knowledge.jsonl.gz", "rt") as file:
        return {row["item_id"]: row["text"] for row in map(json.loads, file)}


def of_ml_100k(data: Path = DATA) -> dict[str, str]:
    films = (line.split("::") for line in _lines(data / "ml-1m/movies.dat"))
    number_of = {title: number for number, title, _ in films}
    texts = of_ml_1m(data)
    rows = (line.split("|") for line in _lines(data / "ml-100k/u.item"))
    return {number: texts[number_of[title]] for number, title, *_ in rows if number_of.get(title) in texts}


def _lines(path: Path) -> list[str]:
    return path.read_text("latin-1").splitlines()


if __name__ == "__main__":
    main()
