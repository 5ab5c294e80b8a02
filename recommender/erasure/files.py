"""What becomes of files: artifacts of versions, the rows that adapters learnt from, the demonstration's notes.

A version's folder is sealed, so another one takes its place: the same files, without the person. Serving processes see
the new seal with their next request, and load it. The weights stay what they are until the next training.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from recommender.artifacts import files, golden, held_out, kernels
from recommender.models import BackboneVersion, Catalog, Erasure, Grouping, SubjectKind
from recommender.thinkrec.evaluation import kept
from recommender.thinkrec.experts import grouped
from recommender.thinkrec.tuning import service as thinkrec
from recommender.tuning import service as tuning
from recommender.tuning import writing

MOST_TRIES = 20
LEFT_FOR = 3600.0  # seconds after which a folder that no version names was left by a process that ended
IDS, OF_END_USERS = "ids.json", "*end_users.npy"


@dataclass(frozen=True, slots=True)
class Among:
    """Which ids of a catalog were erased: external ids in, those that were erased out."""

    end_users: Callable[[Collection[str]], set[str]]
    items: Callable[[Collection[str]], set[str]]

    @classmethod
    def of(cls, catalog: Catalog) -> "Among":
        found = Erasure.objects.among
        return cls(partial(found, catalog, SubjectKind.END_USER), partial(found, catalog, SubjectKind.ITEM))


def clear_versions(catalog: Catalog) -> list[int]:
    """Put folders in place that name nobody who was erased; returns the numbers of the versions that changed."""
    among = Among.of(catalog)
    versions = list(catalog.backbone_versions.select_related("catalog").order_by("number"))
    return [version.number for version in versions if _clear_version(version, among)]


def _clear_version(version: BackboneVersion, among: Among) -> bool:
    """Another process may be at the same version: then from what it has put in place, until nobody is left in it."""
    _remove_left(version)
    for _ in range(MOST_TRIES):
        version.refresh_from_db(fields=["artifact", "manifest_hash"])
        old = files.folder_of(version)
        if not (old / IDS).is_file():
            return False  # its files are missing: the pages say so
        name = f"{version.number}-{secrets.token_hex(4)}"
        new = files.folder_for(version.catalog) / name
        try:
            if not redact(old, new, among):
                return False
            kernels.drop_untrusted(new, old, version.manifest_hash)
            swapped = _swap(version, f"{version.catalog.name}/{name}", files.seal(new))
        except FileNotFoundError:
            swapped = False  # it was replaced while it was read
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        shutil.rmtree(old if swapped else new, ignore_errors=True)
        if swapped:
            return True
    raise OSError(f"The files of {version} are being changed by others all the time.")


def _swap(version: BackboneVersion, artifact: str, manifest_hash: str) -> bool:
    """False where another process was faster."""
    unchanged = BackboneVersion.objects.filter(pk=version.pk, artifact=version.artifact)
    return bool(unchanged.update(artifact=artifact, manifest_hash=manifest_hash))


def _remove_left(version: BackboneVersion) -> None:
    """Folders of this version that it does not name."""
    current, number = files.folder_of(version).name, version.number
    parent = files.folder_for(version.catalog)
    for folder in (parent / str(number), *parent.glob(f"{number}-*")):
        if folder.name != current and folder.is_dir() and folder.stat().st_mtime < time.time() - LEFT_FOR:
            shutil.rmtree(folder, ignore_errors=True)


def redact(source: Path, target: Path, among: Among) -> bool:
    """Write the artifact `source` without the erased into the new folder `target`; False: there is none of them in it.

    Places in files stay as they are, so that everybody else is scored as before.
    """
    ids = json.loads((source / IDS).read_text())
    end_users, items = among.end_users(ids["end_users"]), among.items(ids["items"])
    users = golden.read(source) or []
    kept = [named for one in users if (named := _golden_without(one, among))]
    tested = _tested_without(source / held_out.FILE, among, ids["items"])
    if not (end_users or items or kept != users or tested is not None):
        return False
    target.mkdir()
    made: set[str] = set()
    if end_users:
        for path in source.glob(OF_END_USERS):
            np.save(target / path.name, _as_nobody(np.load(path), [name in end_users for name in ids["end_users"]]))
            made.add(path.name)
    ids["end_users"] = [_nobody() if name in end_users else name for name in ids["end_users"]]
    ids["items"] = [_nobody() if name in items else name for name in ids["items"]]
    (target / IDS).write_text(json.dumps(ids, ensure_ascii=False))
    made.add(IDS)
    if kept != users:
        golden.save(target, kept)
        made |= {golden.FILE, golden.EFFECTS}
    if tested is not None:
        np.savez_compressed(target / held_out.FILE, allow_pickle=False, **tested)
        made.add(held_out.FILE)
    for path in source.iterdir():
        if path.name == files.MANIFEST:
            shutil.copyfile(path, target / path.name)
        elif path.name not in made:
            _same(path, target / path.name)
    return True


def _same(source: Path, target: Path) -> None:
    """The same file in another folder; a copy where the file system cannot link."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _nobody() -> str:
    return f"erased-{secrets.token_hex(8)}"


def _as_nobody(rows: Any, gone: Collection[bool]) -> Any:
    """(1 + end users, …) with the row 0, of whoever has no text, in place of those that are gone."""
    rows[1:][np.array(gone, dtype=bool)] = rows[0]
    return rows


def _golden_without(one: golden.GoldenUser, among: Among) -> golden.GoldenUser | None:
    """None where the person is erased, or an item of their history is: it would be scored otherwise than it was."""
    if among.end_users([one.end_user]) or among.items([met.item_id for met in one.history]):
        return None
    gone = among.items(list(one.items))
    kept = [(item, score) for item, score in zip(one.items, one.scores, strict=True) if item not in gone]
    if len(kept) == len(one.items):
        return one
    items, scores = [item for item, _ in kept], [score for _, score in kept]
    there = [place for place, item in enumerate(one.items) if item not in gone]
    effects = [one.effects[place] for place in there if place < len(one.effects)]
    of_text = [one.of_text[place] for place in there if place < len(one.of_text)]
    return replace(one, items=items, scores=scores, effects=effects, of_text=of_text)


def _tested_without(path: Path, among: Among, items: list[str]) -> dict[str, Any] | None:
    """The arrays of test.npz without the rows of the erased; None where there are none of them."""
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    names = arrays.pop("end_users").tolist()
    gone, gone_items = among.end_users(names), among.items(items)
    if not gone and not gone_items:
        return None
    out = np.isin(arrays["end_user"], [place for place, name in enumerate(names) if name in gone])
    out |= np.isin(arrays["item"], [place for place, name in enumerate(items) if name in gone_items])
    if not out.any() and not gone:
        return None
    named = np.array([_nobody() if name in gone else name for name in names])
    return {name: array[~out] for name, array in arrays.items()} | {"end_users": named}


def clear_groupings(catalog: Catalog) -> list[int]:
    """Take the vectors and the groups of the erased out of files of groupings; numbers of the groupings concerned.

    Another file takes the place of the one that named the row, so that no reader meets half of one.
    """
    end_users, items = (set(rows.values_list("pk", flat=True)) for rows in (catalog.end_users, catalog.items))
    concerned = []
    for grouping in catalog.groupings.exclude(artifact="").order_by("pk"):
        old = grouped.path_of(grouping)
        try:
            arrays = grouped.load(grouping)
        except grouped.GroupingFilesError:
            old.unlink(missing_ok=True)  # nobody can read it, and nobody can say who is in it
            continue
        kept = arrays.among(end_users, items)
        if (len(kept.end_users), len(kept.items)) == (len(arrays.end_users), len(arrays.items)):
            continue
        old, new = grouped.path_of(grouping), grouped.new_file(grouping)
        columns = {"artifact": f"{catalog.name}/{new.name}", "sha256": grouped.save(new, kept)}
        unchanged = Grouping.objects.filter(pk=grouping.pk, artifact=grouping.artifact)
        (old if unchanged.update(**columns) else new).unlink(missing_ok=True)
        concerned.append(grouping.pk)
    return concerned


def clear_adapters(catalog: Catalog, *, rounds: Collection[int], cases: Collection[int]) -> list[str]:
    """Take the rows of these rounds and cases out of what adapters learnt from; names of the adapters concerned."""
    changed = []
    for run in catalog.tuning_runs.exclude(artifact="").order_by("pk"):
        folder = tuning.folder_of(run)
        if not (folder / "data" / writing.MANIFEST).is_file():
            continue
        if writing.take_out(folder / "data", lambda row: row["round"] in rounds or row["case"] in cases):
            described = json.loads((folder / "adapter.json").read_text(encoding="utf-8"))
            described["data_sha256"] = writing.sha256_of(folder / "data" / writing.MANIFEST)
            (folder / "adapter.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
            changed.append(run.adapter_name)
    return changed


def clear_thinkrec(catalog: Catalog) -> None:
    """What ThinkRec's tunings under way were given, and evaluations have kept; finished ones keep nobody's data."""
    among = Among.of(catalog)
    thinkrec.clear_of(catalog, among.end_users, among.items)
    kept.clear_of(catalog)


def clear_demonstration(catalog: Catalog) -> None:
    """`var/demo.json` names an end user to try; the next start names another one."""
    path = Path(settings.VAR_DIR) / "demo.json"
    try:
        facts = json.loads(path.read_text())
        if facts["catalog"] != catalog.name or not Among.of(catalog).end_users([facts["user_id"]]):
            return
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return
    path.write_text(json.dumps(facts | {"user_id": ""}, indent=2))
