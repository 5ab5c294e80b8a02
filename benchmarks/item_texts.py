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
    films = (line.split("::") for line in _lines(options.data / "ml-1m/movies.dat"))
    number_of = {title: number for number, title, _ in films}
    with gzip.open(options.data / "ml-1m/item_knowledge.jsonl.gz", "rt") as file:
        text_of = {row["item_id"]: row["text"] for row in map(json.loads, file)}
    found = 0
    with options.file.open("w") as file:
        for number, title, *_ in (line.split("|") for line in _lines(options.data / "ml-100k/u.item")):
            if text := text_of.get(number_of.get(title, "")):
                file.write(json.dumps({"item_id": number, "text": text}) + "\n")
                found += 1
    print(f"{found:,} texts in {options.file}.")


def _lines(path: Path) -> list[str]:
    return path.read_text("latin-1").splitlines()


if __name__ == "__main__":
    main()
