"""ThinkRec's tuning from a catalog's ratings to registered adapters, with a tiny Llama of random weights."""

import hashlib
import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from benchmarks.likes_alone import forget_dislikes
from recommender.models import Catalog, Grouping, Interaction, Role, RunState, ThinkrecRun
from recommender.rounds.core.types import Encounter, Subject
from recommender.runs import leases
from recommender.runs import service as runs
from recommender.runs.kinds import THINKREC, stage_of
from recommender.runs.observer import Quiet
from recommender.thinkrec.experts import grouped
from recommender.thinkrec.tuning import own, rows, service
from recommender.thinkrec.tuning.config import ThinkrecConfig
from tests import transformers_server
from tests.builders import make_account, make_catalog, make_end_user, make_interaction, make_item, make_round
from tests.carried_out import carried_out

pytestmark = [pytest.mark.django_db, pytest.mark.once]
FEW = {"steps": 3, "epochs": 1, "group_epochs": 1, "valid_rows": 4, "split": "r4ec", "checkpoint": 2}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(transformers_server.make_model(tmp_path_factory.mktemp("llama")))


@pytest.fixture
def catalog(settings: Settings, tmp_path: Path) -> Catalog:
    """Four end users with 20 ratings each."""
    settings.VAR_DIR = tmp_path / "var"
    catalog = make_catalog("films")
    items = [make_item(catalog, external_id=f"f{n}") for n in range(20)]
    for user in range(4):
        end_user = make_end_user(catalog, f"u{user}")
        for n, item in enumerate(items):
            make_interaction(end_user, item, rating=5.0 if (n + user) % 2 else 1.0, moment=n + 1)
    return catalog


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A trace, vectors of three end users and of all items, and two groups."""
    drawn = np.random.default_rng(0)
    paths = {name: tmp_path / name for name in (service.TRACES, service.VECTORS, service.GROUPS_OF)}
    told = {"end_user": "u0", "item": "f13", "moment": 14, "answer": "Yes. It is odd.", "tag": "human"}
    other = told | {"end_user": "u1", "answer": "No. It is secret."}
    paths[service.TRACES].write_text(f"{json.dumps(told)}\n{json.dumps(other)}\n")
    names, items = [f"u{n}" for n in range(3)], [f"f{n}" for n in range(20)]
    vectors = {"end_user_vectors": drawn.normal(size=(3, 4)), "item_vectors": drawn.normal(size=(20, 4))}
    np.savez(paths[service.VECTORS], end_users=names, items=items, **vectors)
    paths[service.GROUPS_OF].write_text(json.dumps({"u0": "even", "u2": "even", "u1": 1}))
    return paths


def tune(base: str, *options: str) -> dict[str, Any]:
    out = StringIO()
    few = [f"--set={name}={value}" for name, value in FEW.items()]
    call_command("tune_thinkrec", "films", "--base", base, *few, *options, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def asked(catalog: Catalog, base: str = "none", **more: Any) -> ThinkrecRun:
    return service.request(catalog, ThinkrecConfig(base=base, **FEW), queue=False, **{"files": {}} | more)


def test_all_stages_are_registered_with_settings_metrics_and_hashes_and_nobodys_data(
    catalog: Catalog, base: str, files: dict[str, Path]
) -> None:
    given = (f"--traces-file={files[service.TRACES]}", f"--vectors={files[service.VECTORS]}")
    result = tune(base, "--stage", "all", *given, f"--groups={files[service.GROUPS_OF]}")
    run = ThinkrecRun.objects.get()
    assert (run.state, run.adapter_name) == (RunState.DONE, f"films-thinkrec-{run.pk}")
    assert result["metrics"] == run.metrics
    assert run.metrics["global"]["rows"] == {"labels": 20, "traces": 2, "valid": 4}
    assert set(run.metrics["groups"]) == {"even", "1"}
    assert run.progress["tokens"] > 0
    folder = service.folder_of(run)
    described = json.loads((folder / "thinkrec.json").read_text())
    assert described["config"] == run.config
    assert {"adapter/adapter_model.safetensors", "projector/projector.safetensors"} < set(described["files"])
    assert "groups/even/adapter_model.safetensors" in described["files"]
    for name, digest in described["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert [path.name for path in folder.parent.iterdir()] == [str(run.pk)]
    assert not [path for path in folder.rglob("*") if path.is_file() and b"It is odd" in path.read_bytes()]


def test_given_moments_cut_what_is_learnt(catalog: Catalog, base: str) -> None:
    result = tune(base, "--split", "given:13:17", "--set=valid_rows=99")
    assert ThinkrecRun.objects.get().config["split"] == "given:13:17"
    assert result["metrics"]["global"]["rows"] == {"labels": 4 * 12, "traces": 0, "valid": 4 * 4}
    with pytest.raises(CommandError, match=r"split must be one of .* in this order\); it is 'given:17:13'"):
        tune(base, "--split", "given:17:13")
    with pytest.raises(CommandError, match="needs interactions before, between and after its two moments"):
        tune(base, "--split", "given:13:99")


def test_a_later_run_takes_an_earlier_ones_adapter_where_it_fits(
    catalog: Catalog, base: str, files: dict[str, Path]
) -> None:
    first = tune(base)["run"]
    groups = f"--groups={files[service.GROUPS_OF]}"
    second = tune(base, "--stage", "groups", "--after", str(first), groups)
    assert second["metrics"]["global"] == ThinkrecRun.objects.get(pk=first).metrics["global"]
    assert ThinkrecRun.objects.get(pk=second["run"]).after_id == first
    with pytest.raises(CommandError, match=f"The adapter of ThinkRec tuning {first} has rank 8: choose the same"):
        tune(base, "--stage", "groups", "--after", str(first), groups, "--set=rank=4")
    waiting = asked(catalog)
    with pytest.raises(CommandError, match="is not done, so it has no adapter"):
        tune(base, "--after", str(waiting.pk))
    with pytest.raises(CommandError, match="films has no ThinkRec tuning 0"):
        tune(base, "--after", "0")


def test_what_goes_wrong_is_said_and_leaves_nothing_behind(
    catalog: Catalog, base: str, files: dict[str, Path], tmp_path: Path
) -> None:
    odd = tmp_path / "odd.json"
    odd.write_text("[1]")
    for options, words in (
        (("--stage", "projector", "--queue"), "The projector needs collaborative vectors"),  # before a worker has it
        (("--stage", "groups", "--queue"), "Groups need to know who is in which"),
        (("--stage", "groups", f"--groups={odd}"), "must be one JSON object"),
        ((f"--traces-file={odd}",), "Line 1 of the traces"),
        ((f"--vectors={odd}",), "must be an npz"),
        (("--vectors=nowhere.npz",), "There is no file nowhere.npz"),
        (("--set=rank=0",), "rank must be a whole number above 0"),
        (("--set=split=global",), "split must be one of"),
    ):
        with pytest.raises(CommandError, match=words):
            tune(base, *options)
    with pytest.raises(CommandError, match="cannot be loaded"):
        tune(str(tmp_path / "nothing"))
    assert list(service.folder_for(catalog).iterdir()) == []
    with pytest.raises(CommandError, match="There is no catalog 'songs'"):
        call_command("tune_thinkrec", "songs", "--base", base)


def test_a_run_whose_worker_is_lost_goes_on_where_it_was(catalog: Catalog, base: str) -> None:
    run = asked(catalog, base)
    heard: list[str] = []

    class Dying(Quiet):
        def at(self, stage: str, done: int, of: int, note: str = "") -> None:
            heard.append(f"{stage} {done}")
            if heard[-1] == "global 3" and len(heard) < 8:
                raise KeyboardInterrupt  # the process is killed

    with pytest.raises(KeyboardInterrupt):
        carried_out(run, observer=Dying())
    run.refresh_from_db()
    assert (run.state, stage_of(run).label) == (RunState.RUNNING, "Tuning for everybody")
    assert (service.part_of(run) / service.MADE / "checkpoint.pt").is_file()
    runs.end_leases()
    carried_out(run, observer=Dying())
    assert run.state == RunState.DONE
    assert [one for one in heard if one.startswith("global")] == ["global 1", "global 2", "global 3", "global 3"]
    assert run.metrics["global"]["steps"] == 3


def test_a_cancelled_run_stops_and_the_next_one_clears_what_it_left(catalog: Catalog, base: str) -> None:
    run = asked(catalog, base)

    class Cancelling(Quiet):
        def at(self, stage: str, done: int, of: int, note: str = "") -> None:
            runs.cancel(run)

    carried_out(run, observer=Cancelling())
    assert (run.state, run.artifact) == (RunState.CANCELLED, "")
    carried_out(asked(catalog, "nothing"))
    assert list(service.folder_for(catalog).iterdir()) == []


def test_who_is_erased_is_taken_out_of_what_runs_under_way_were_given(catalog: Catalog, files: dict[str, Path]) -> None:
    run, ended = asked(catalog, files=files), asked(catalog, files=files)
    runs.cancel(ended)
    assert leases.claim(THINKREC, run.pk)
    service.clear_of(catalog, {"u1"}.intersection, {"f3"}.intersection)
    inputs = service.part_of(run) / service.INPUTS
    assert not service.part_of(ended).exists()
    assert "secret" not in (inputs / service.TRACES).read_text()
    assert "It is odd." in (inputs / service.TRACES).read_text()
    assert json.loads((inputs / service.GROUPS_OF).read_text()) == {"u0": "even", "u2": "even"}
    with np.load(inputs / service.VECTORS) as kept:
        assert kept["end_users"].tolist() == ["u0", "u2"]
        assert "f3" not in kept["items"].tolist()
        assert len(kept["item_vectors"]) == len(kept["items"]) == 19


@pytest.fixture
def grouping(catalog: Catalog) -> Grouping:
    """Two groups of three of the end users, with vectors of all items."""
    drawn = np.random.default_rng(0)
    people = np.array(catalog.end_users.order_by("pk").values_list("pk", flat=True))[:3]
    items = np.array(catalog.items.order_by("pk").values_list("pk", flat=True))
    vectors, of_items, experts = (drawn.normal(size=(n, 4)).astype(np.float32) for n in (3, len(items), 2))
    told = {"config": {"split": "r4ec"}, "state": RunState.DONE, "finished_at": timezone.now()}
    run = Grouping.objects.create(catalog=catalog, **told)
    path = grouped.new_file(run)
    made = grouped.Grouped(people, vectors, np.array([0, 1, 0]), items, of_items, experts)
    run.sha256, run.artifact = grouped.save(path, made), f"{catalog.name}/{path.name}"
    run.save()
    return run


def approved_trace(catalog: Catalog, text: str, *, held_out: bool = False) -> None:
    name = "f12" if held_out else "f13"
    met = Interaction.objects.select_related("end_user").get(end_user__external_id="u0", item__external_id=name)
    asked_about = (Encounter(name, 5.0, True, interaction_id=met.pk),)
    subject = Subject("end_user", "movie", 5.0, 3.0, asked=asked_about)
    told = {"strategy": "trace", "evidence": subject.to_json(), "approved_index": 0, "held_out": held_out}
    make_round(met.end_user, ("reason", text), ("reflect", ""), as_of=met.moment, **told)


@pytest.mark.usefixtures("grouping")
def test_a_catalogs_own_groups_and_approved_traces_are_learnt(catalog: Catalog, base: str) -> None:
    approved_trace(catalog, "Yes. It is odd.")
    approved_trace(catalog, "Yes. It is for tests.", held_out=True)
    result = tune(base, "--stage", "all", "--grouping", "--approved-traces")
    assert sorted(result["metrics"]["groups"]) == ["group-1", "group-2"]
    assert result["metrics"]["projector"]["steps"] > 0
    assert result["metrics"]["global"]["rows"]["traces"] == 1


def test_without_groups_or_traces_it_is_said_what_makes_them(catalog: Catalog, files: dict[str, Path]) -> None:
    with pytest.raises(CommandError, match=r"manage\.py group_end_users films"):
        tune("none", "--grouping")
    with pytest.raises(CommandError, match="Nobody has approved a trace of films yet"):
        tune("none", "--approved-traces")
    assert not ThinkrecRun.objects.exists()


def test_likes_alone_or_nothing_at_all_is_refused_before_a_worker_has_it(catalog: Catalog) -> None:
    forget_dislikes()
    with pytest.raises(CommandError, match=r"Everything that is known in films is liked.* tuning ThinkRec needs"):
        tune("none", "--queue")
    Interaction.objects.update(label=0)
    with pytest.raises(CommandError, match=r"Nothing is known in films to be liked, .* like threshold"):
        tune("none", "--queue")
    Interaction.objects.all().delete()
    with pytest.raises(CommandError, match="Nothing is known in films to be liked or not"):
        tune("none", "--queue")
    assert not ThinkrecRun.objects.exists()


def test_a_split_that_the_catalog_has_no_moments_for_is_refused_before_a_worker_has_it(catalog: Catalog) -> None:
    Catalog.objects.update(clock="none")
    with pytest.raises(CommandError, match="order"):
        tune("none", "--split", "global-time", "--queue")
    assert not ThinkrecRun.objects.exists()


@pytest.mark.usefixtures("grouping")
def test_what_is_given_and_taken_too_is_refused(catalog: Catalog, files: dict[str, Path]) -> None:
    with pytest.raises(CommandError, match="--grouping and --groups say the same thing"):
        tune("none", "--grouping", f"--groups={files[service.GROUPS_OF]}")


def test_each_part_is_left_out_of_the_tuning_by_one_flag(catalog: Catalog, base: str, files: dict[str, Path]) -> None:
    given = [f"--traces-file={files[service.TRACES]}", f"--vectors={files[service.VECTORS]}"]
    given.append(f"--groups={files[service.GROUPS_OF]}")

    def stages(*parts: str) -> tuple[set[str], int]:
        metrics = tune(base, "--stage=all", *given, *(f"--without={part}" for part in parts))["metrics"]
        return {"global", "projector", "groups"} & metrics.keys(), metrics["global"]["rows"]["traces"]

    assert stages("thinking") == ({"global", "projector", "groups"}, 0)
    assert stages("experts", "keywords") == ({"global", "projector"}, 2)
    assert stages("vectors") == ({"global", "groups"}, 2)
    assert stages("all-but-global") == ({"global"}, 2)
    last = ThinkrecRun.objects.latest("pk")
    assert last.config["without"] == ["all-but-global"]
    assert json.loads((service.folder_of(last) / "thinkrec.json").read_text())["config"]["without"] == [
        "all-but-global"
    ]


def test_without_keywords_items_are_learnt_by_their_titles_alone(catalog: Catalog) -> None:
    catalog.items.update(attributes={"genres": ["Horror"]})
    assert {one.keywords for one in rows.shown_items(catalog).values()} == {("Horror",)}
    bare = rows.shown_items(catalog, keywords=False)
    assert {one.keywords for one in bare.values()} == {()}
    assert {name: one.title for name, one in bare.items()} == dict(catalog.items.values_list("external_id", "title"))


def rated(catalog: Catalog, *names: str) -> None:
    """New end users, who rate as the others do."""
    for place, name in enumerate(names):
        end_user = make_end_user(catalog, name)
        for n, item in enumerate(catalog.items.order_by("pk")):
            make_interaction(end_user, item, rating=5.0 if (n + place) % 2 else 1.0, moment=n + 1)


def grouped_anew(*options: str) -> dict[str, Any]:
    out = StringIO()
    few = ["--split=r4ec", "--set=epochs=2", "--set=width=4", "--json"]
    call_command("group_end_users", "films", *few, *options, stdout=out)
    return dict(json.loads(out.getvalue()))


def test_an_expert_is_added_for_a_new_group_and_the_others_stay_to_the_byte(catalog: Catalog, base: str) -> None:
    first = grouped_anew("--groups=2")
    earlier = ThinkrecRun.objects.get(pk=tune(base, "--stage=groups", "--grouping")["run"])
    with pytest.raises(CommandError, match="everybody with early likes is in a group already"):
        grouped_anew("--extends", str(first["grouping"]))
    rated(catalog, "late", "later")
    extended = grouped_anew("--extends", str(first["grouping"]))
    before, after = (grouped.load(Grouping.objects.get(pk=one["grouping"])) for one in (first, extended))
    assert [group["size"] for group in extended["groups"]][-1] == 2
    kept = np.isin(after.end_users, before.end_users)
    assert after.of[kept].tolist() == before.of.tolist()
    assert set(after.of[~kept].tolist()) == {2}
    for number, expert in enumerate(after.experts):
        np.testing.assert_allclose(expert, after.vectors[after.of == number].mean(axis=0), atol=1e-6)

    heard: list[str] = []

    class Hearing(Quiet):
        def at(self, stage: str, done: int, of: int, note: str = "") -> None:
            heard.append(stage)

    config = ThinkrecConfig(base=base, stage="new-groups", **FEW)
    grouping = Grouping.objects.get(pk=extended["grouping"])
    folder = service.folder_for(catalog)
    given = own.grouping_files(grouping, folder)
    run = service.request(catalog, config, files=given, after=earlier, grouping=grouping, queue=False)
    for path in given.values():
        path.unlink()
    run = carried_out(run, observer=Hearing())
    assert (run.state, run.error) == (RunState.DONE, "")
    assert {stage for stage in heard if "group" in stage or stage == "global"} == {"tuning for group 3"}
    assert sorted(run.metrics["groups"]) == ["group-1", "group-2", "group-3"]
    old, new = service.folder_of(earlier), service.folder_of(run)
    for path in ("adapter", "groups/group-1", "groups/group-2"):
        for name in ("adapter_model.safetensors", "adapter_config.json"):
            assert (old / path / name).read_bytes() == (new / path / name).read_bytes()
    assert (new / "groups/group-3/adapter_model.safetensors").is_file()
    held = sorted(path.stem for path in new.rglob("*.gguf"))
    assert held == [run.adapter_name, *(f"{run.adapter_name}-group-{n}" for n in (1, 2, 3))]


@pytest.mark.usefixtures("grouping")
def test_an_expert_is_added_to_the_same_groups_only(catalog: Catalog, base: str) -> None:
    with pytest.raises(CommandError, match="New groups are added to an earlier run"):
        tune(base, "--stage=new-groups", "--grouping")
    earlier = tune(base, "--stage=groups", "--grouping")["run"]
    grouped_anew("--groups=2")
    with pytest.raises(CommandError, match=r"has other groups than those .* --extends \d+"):
        tune(base, "--stage=new-groups", "--grouping", "--after", str(earlier))
    with pytest.raises(CommandError, match="films has no grouping 99999 that is done"):
        grouped_anew("--extends", "99999")
    assert ThinkrecRun.objects.filter(state=RunState.DONE).count() == 1


@pytest.mark.usefixtures("grouping")
def test_what_learned_from_another_split_is_refused_before_anything_is_read(catalog: Catalog) -> None:
    other = "--split=global-time"
    with pytest.raises(CommandError, match=r"split r4ec, so it may .* group_end_users films --split global-time"):
        tune("none", "--stage=all", "--grouping", other)
    ThinkrecRun.objects.filter(pk=(done := asked(catalog)).pk).update(state=RunState.DONE)
    with pytest.raises(CommandError, match=r"has split r4ec: choose the same"):
        tune("none", f"--after={done.pk}", other)
    tune("none", "--stage=all", "--grouping", "--without=all-but-global", other, "--queue")  # nothing reads its vectors


def test_a_run_says_how_many_parameters_each_adapter_has_beside_the_base(
    catalog: Catalog, base: str, files: dict[str, Path]
) -> None:
    given = (f"--vectors={files[service.VECTORS]}", f"--groups={files[service.GROUPS_OF]}")
    metrics = tune(base, "--stage=all", *given)["metrics"]
    from transformers import AutoModelForCausalLM

    low = 8 * (64 + 64) + 8 * (64 + 32)  # of q and of v in one of two layers
    assert metrics["global"]["trained_parameters"] == 2 * low
    assert metrics["groups"]["even"]["trained_parameters"] == low
    assert metrics["projector"]["trained_parameters"] == 4 * 40 + 40 + 40 * 64 + 64
    assert metrics["base_parameters"] == sum(
        one.numel() for one in AutoModelForCausalLM.from_pretrained(base).parameters()
    )


def test_the_page_of_models_says_what_a_tuning_goes_without(catalog: Catalog, client: Client) -> None:
    service.request(catalog, ThinkrecConfig(base="none", without=("keywords", "all-but-global")), files={}, queue=False)
    client.force_login(make_account(role=Role.LEAD))
    shown = client.get("/backbones/").content.decode()
    assert "learning 1 without experts, collaborative vectors, keywords" in re.sub(r"learning \d+", "learning 1", shown)
