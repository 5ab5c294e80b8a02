"""Groups of a catalog's end users: made by a run, stored without a name, and without whoever is erased."""

import json
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from benchmarks.likes_alone import forget_dislikes
from recommender.erasure import service as erasure
from recommender.erasure.export import of_person
from recommender.models import Catalog, Clock, EndUser, Grouping, RunState, SubjectKind
from recommender.private_files import is_open
from recommender.runs import leases, service
from recommender.runs.kinds import GROUPING
from recommender.runs.recorder import Recorder
from recommender.thinkrec.collaborative.fit import MODELS
from recommender.thinkrec.experts import grouped, grouping
from recommender.thinkrec.experts.config import ENCODERS, GroupingConfig
from recommender.thinkrec.experts.grouped import Found, Group, GroupingFilesError
from tests.builders import make_catalog, make_end_user
from tests.carried_out import carried_out
from tests.recommender.training import synthetic

pytestmark = [pytest.mark.django_db, pytest.mark.once]
QUICK = {"epochs": 3, "width": 4}
LEARNED = {"epochs": 60, "width": 8, "learning_rate": 0.03}


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


def made(catalog: Catalog, **config: Any) -> Grouping:
    values = GroupingConfig(**{"settings": QUICK} | config).to_json()
    return carried_out(service.request(GROUPING, queue=False, catalog=catalog, config=values))


def test_planted_tastes_come_out_as_groups_that_like_more_of_them() -> None:
    run = made(synthetic.in_database(end_users=60), groups=4, settings=LEARNED)
    found = Found.from_json(run.found)

    assert (run.state, run.error) == (RunState.DONE, "")
    assert sum(group.size for group in found.groups) == 60
    told = [trait for group in found.groups for trait in group.traits]
    assert {trait.aspect.partition("=")[0] for trait in told} == {"genres"}
    assert all(trait.share > trait.elsewhere for trait in told)
    assert len({group.traits[0].aspect for group in found.groups if group.traits}) >= 2


def test_given_moments_say_which_part_vectors_are_learned_from() -> None:
    catalog = synthetic.in_database()
    late = EndUser.objects.get(external_id="u000")
    late.interactions.update(moment=5000)  # nothing of theirs is in the train part
    run = made(catalog, split="given:1180:1210")
    assert (run.state, run.found["without"]) == (RunState.DONE, 1)
    assert made(catalog, split="given:1180:6000").error.startswith("There is nothing for the test part")


def test_what_is_stored_is_private_whole_and_names_nobody() -> None:
    catalog = synthetic.in_database()
    run = made(catalog)
    path = grouped.path_of(run)
    arrays = grouped.load(run)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert arrays.end_users.tolist() == sorted(catalog.end_users.values_list("pk", flat=True))
    assert [int((arrays.of == place).sum()) for place in range(len(arrays.experts))] == [
        group["size"] for group in run.found["groups"]
    ]
    assert "u001" not in json.dumps(run.found)
    assert not [name for name, array in np.load(path).items() if array.dtype.kind in "USO"]
    assert not is_open(path)


def test_it_runs_twice_to_the_same_groups_in_another_file() -> None:
    catalog = synthetic.in_database()
    first, second = made(catalog, groups=2), made(catalog, groups=2)

    assert first.found == second.found
    assert first.artifact != second.artifact
    assert grouped.newest(catalog) == second
    assert grouped.load(first).of.tolist() == grouped.load(second).of.tolist()


@pytest.mark.parametrize(
    ("clock", "config", "said"),
    [
        (Clock.NONE, {}, "imported without an order"),
        (Clock.SECONDS, {"settings": {"epohs": 3}}, "epohs"),
        (Clock.SECONDS, {"groups": 10, "settings": QUICK}, "10 groups need as many end users"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(clock: Clock, config: dict[str, Any], said: str) -> None:
    catalog = synthetic.in_database(end_users=6)
    Catalog.objects.filter(pk=catalog.pk).update(clock=clock)
    run = made(Catalog.objects.get(pk=catalog.pk), **config)

    assert run.state == RunState.FAILED
    assert said in run.error
    assert grouped.newest(catalog) is None


def test_a_catalog_without_ratings_has_too_little_data() -> None:
    run = made(make_catalog())

    assert run.state == RunState.FAILED
    assert "has 0 interactions" in run.error


def test_few_end_users_are_one_group() -> None:
    run = made(synthetic.in_database(end_users=12))

    assert [group["size"] for group in run.found["groups"]] == [12]
    assert "One group of 12" in run.found["words"]


def test_a_run_that_is_cancelled_leaves_no_file(tmp_path: Path) -> None:
    asked = service.request(
        GROUPING, queue=False, catalog=synthetic.in_database(), config=GroupingConfig(settings=QUICK).to_json()
    )

    def cancelled_at_the_end(run: Grouping, recorder: Recorder) -> None:
        assert service.cancel(run)
        recorder.written = float("inf")  # no sign of life notices it
        grouping._store(run, Found("", (), {}, 0, {}, ""), grouped.Grouped(*[np.zeros(0)] * 6))

    service.run(GROUPING, asked.pk, cancelled_at_the_end)
    asked.refresh_from_db()
    assert asked.state == RunState.CANCELLED
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_files_of_a_lost_worker_go_when_the_run_begins_again(tmp_path: Path) -> None:
    catalog = synthetic.in_database("films")
    asked = service.request(GROUPING, queue=False, catalog=catalog, config=GroupingConfig(settings=QUICK).to_json())
    folder = tmp_path / "groupings" / "films"
    folder.mkdir(parents=True)
    for name in (f"{asked.pk}-ab.npz", f".{asked.pk}-cd.npz"):
        (folder / name).touch()
    assert leases.claim(GROUPING, asked.pk)
    service.resume(asked, queue=False)
    run = carried_out(asked)

    assert [path.name for path in folder.iterdir()] == [run.artifact.removeprefix("films/")]


@pytest.mark.parametrize("kind", [SubjectKind.END_USER, SubjectKind.ITEM])
def test_whoever_is_erased_is_in_no_grouping_and_the_others_stay_where_they_were(
    kind: SubjectKind, tmp_path: Path
) -> None:
    catalog = synthetic.in_database("films", end_users=16)
    run = made(catalog, groups=2)
    before, old = grouped.load(run), grouped.path_of(run)
    gone = (catalog.end_users if kind == SubjectKind.END_USER else catalog.items).order_by("pk")[3]
    erasure.erase(catalog, kind, gone.external_id)
    run.refresh_from_db()
    after = grouped.load(run)

    assert not old.exists()
    assert list((tmp_path / "groupings" / "films").iterdir()) == [grouped.path_of(run)]
    keys, was = (after.end_users, before.end_users) if kind == SubjectKind.END_USER else (after.items, before.items)
    assert was.tolist() == sorted([*keys.tolist(), gone.pk])
    other = after.row_of(int(after.end_users[-1]))
    assert other is not None
    assert after.choice(other) == before.choice(len(before.end_users) - 1)
    if kind == SubjectKind.END_USER:
        assert after.row_of(gone.pk) is None
        assert not (after.vectors == before.vectors[3]).all(axis=1).any()


def test_a_person_s_copy_has_their_vector_and_their_group() -> None:
    catalog = synthetic.in_database("films", end_users=16)
    run = made(catalog, groups=2)
    person = catalog.end_users.select_related("catalog").order_by("pk")[3]
    arrays = grouped.load(run)
    (told,) = of_person(person)["groups"]

    assert told["group"] == Found.from_json(run.found).names[arrays.of[3]]
    assert told["vector"] == arrays.vectors[3].tolist()
    grouped.path_of(run).unlink()
    assert of_person(person)["groups"] == []


def test_an_unreadable_file_of_a_grouping_goes_with_an_erasure() -> None:
    catalog = synthetic.in_database(end_users=16)
    run = made(catalog)
    path = grouped.path_of(run)
    path.write_bytes(b"broken")
    with pytest.raises(GroupingFilesError, match="not what was stored"):
        grouped.load(run)
    erasure.erase(catalog, SubjectKind.END_USER, "u003")

    assert not path.exists()
    with pytest.raises(GroupingFilesError, match="missing"):
        grouped.load(run)


def test_a_grouping_under_way_begins_again_when_somebody_is_erased(broker: str) -> None:
    catalog = synthetic.in_database(end_users=16)
    run = leases.claim(GROUPING, service.request(GROUPING, queue=False, catalog=catalog, config={}).pk)
    assert run is not None
    erasure.erase(catalog, SubjectKind.END_USER, "u003")
    run.refresh_from_db()

    assert (run.state, run.lease_token) == (RunState.WAITING, "")


def test_who_came_later_has_no_row() -> None:
    catalog = synthetic.in_database(end_users=16)
    arrays = grouped.load(made(catalog))

    assert arrays.row_of(make_end_user(catalog).pk) is None
    assert arrays.row_of(-1) is None
    assert arrays.row_of(EndUser.objects.order_by("pk")[0].pk) == 0


def test_every_encoder_is_offered_by_name_and_a_group_without_traits_has_a_name() -> None:
    assert set(ENCODERS) == set(MODELS)
    assert Group(2, 5, ()).name == "Group 2"


def test_the_command_tells_people_and_programs(capsys: Any) -> None:
    synthetic.in_database("films")
    quick = ["--set", "epochs=2", "--set", "width=4"]
    call_command("group_end_users", "films", "--groups", "2", *quick)
    said = capsys.readouterr()
    call_command("group_end_users", "films", "--encoder", "lightgcn", "--json", *quick)
    found = json.loads(capsys.readouterr().out)

    assert "Grouping" in said.out
    assert "2 groups of" in said.out
    assert "Learning who likes the same" in said.err
    assert found["config"]["encoder"] == "lightgcn"
    assert sum(group["size"] for group in found["groups"]) == 30


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["nowhere"], "There is no catalog 'nowhere'"),
        (["films", "--groups", "11"], "from 1 to 10"),
        (["films", "--set", "epohs=3"], "epohs"),
        (["films", "--set", "epochs=0"], "epochs must be"),
    ],
)
def test_the_command_refuses_in_words_and_asks_for_nothing(options: list[str], said: str) -> None:
    make_catalog("films")
    with pytest.raises(CommandError, match=said):
        call_command("group_end_users", *options)
    assert not Grouping.objects.exists()


def test_groups_of_likes_alone_are_refused_before_a_worker_has_it() -> None:
    synthetic.in_database("films", end_users=12)
    forget_dislikes()
    with pytest.raises(CommandError, match=r"Everything that is known in films is liked.* making groups needs"):
        call_command("group_end_users", "films", "--queue")
    assert not Grouping.objects.exists()


def test_the_command_leaves_it_to_a_worker(broker: str, capsys: Any) -> None:
    synthetic.in_database("films", end_users=12)
    call_command("group_end_users", "films", "--queue", "--json")

    assert json.loads(capsys.readouterr().out) == {"grouping": Grouping.objects.get().pk, "state": "waiting"}
