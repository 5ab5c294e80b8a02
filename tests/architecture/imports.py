"""Who imports whom in our packages, the imports inside functions and type checks too."""

import ast
from collections.abc import Mapping
from pathlib import Path

from tests.architecture import repository

Graph = Mapping[str, set[str]]


def modules() -> dict[str, Path]:
    """Dotted name → path below the root; migrations are left out."""
    found = {}
    for path in repository.python():
        parts = path.with_suffix("").parts
        if "migrations" not in parts:
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def graph() -> dict[str, set[str]]:
    """Each of our modules with those of ours that it imports."""
    ours, texts = modules(), repository.python()
    return {name: _imported(ast.parse(texts[path]), ours) - {name} for name, path in ours.items()}


def of_folders(files: Graph) -> dict[str, set[str]]:
    """The same between folders. A module that lies in a package's own folder is a node of its own."""
    nodes = {name: _node(path) for name, path in modules().items()}
    found: dict[str, set[str]] = {}
    for name, imported in files.items():
        found.setdefault(nodes[name], set()).update(nodes[one] for one in imported)
    return {node: imported - {node} for node, imported in found.items()}


def circles(files: Graph) -> list[list[str]]:
    """Groups that import each other, by Tarjan's strongly connected components."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        open_.append(node)
        for other in sorted(files.get(node, ())):
            if other not in order:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in open_:
                lowest[node] = min(lowest[node], order[other])
        if lowest[node] == order[node]:
            group = open_[open_.index(node) :]
            del open_[open_.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(files):
        if node not in order:
            visit(node)
    return found


def _imported(tree: ast.Module, ours: Mapping[str, Path]) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = []
        for name in names:
            parts = name.split(".")
            longest = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
            if of := next((one for one in longest if one in ours), None):
                found.add(of)
    return found


def _node(path: Path) -> str:
    in_package_root = len(path.parts) == 2 and path.name != "__init__.py"
    return str(path if in_package_root else path.parent)
