"""Data that does not say what came first: nothing claims an order, and what needs one is refused in words."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.catalogs.importers.plan import Request
from recommender.catalogs.importers.report import ImportFailedError, Report
from recommender.catalogs.importers.run import import_catalog
from recommender.dataset.split import SPLITS, TEST, require_order
from recommender.models import Account, Catalog, Clock, Evaluation, Interaction, Round, RunState, TrainingRun
from recommender.recipe import BY_ORDER, TrainConfig
from recommender.rounds import service
from recommender.rounds.config import OpenConfig
from recommender.rounds.core import prompts
from recommender.rounds.core.types import Subject
from recommender.runs import service as runs
from recommender.runs.errors import CannotTrainError
from recommender.runs.kinds import TRAINING
from recommender.setting import SettingError
from recommender.training import service as training
from recommender.training.prepare import read
from tests.reviews.conftest import SignIn, browser_of, lena, pam  # noqa: F401

pytestmark = pytest.mark.django_db
READERS, BOOKS = 12, 8


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "items.csv").write_text("item_id,title\n" + "".join(f"{n},Book {n}\n" for n in range(BOOKS)))
    rows = [f"{who},{book},{1 + (who * book) % 5}\n" for who in range(READERS) for book in range(BOOKS)]
    (tmp_path / "r.csv").write_text("user_id,item_id,rating\n" + "".join(rows))
    return tmp_path


def imported(files: Path, **more: object) -> Report:
    request = Request(path=files / "r.csv", items=files / "items.csv", no_order=True, **more)  # type: ignore[arg-type]
    return import_catalog("books", form="csv", request=request)


@pytest.fixture
def catalog(files: Path) -> Catalog:
    imported(files)
    return Catalog.objects.get(name="books")


def test_the_report_and_the_catalog_say_that_no_order_is_known(files: Path) -> None:
    report = imported(files)
    assert any("No order is known" in note for note in report.notes)
    assert Catalog.objects.get().clock == Clock.NONE
    again = imported(files)
    assert (again.interactions.created, again.interactions.unchanged) == (0, READERS * BOOKS)


def test_the_order_of_lines_is_not_taken_for_one(catalog: Catalog) -> None:
    told = Interaction.objects.oldest_first().values_list("end_user__external_id", "item__external_id")
    places = [[int(item) for who, item in told if who == str(reader)] for reader in range(READERS)]
    assert sorted(range(BOOKS)) not in places
    assert len(set(map(tuple, places))) > READERS / 2


def test_a_pair_of_end_user_and_item_is_there_once(files: Path) -> None:
    with (files / "r.csv").open("a") as rows:
        rows.write("0,0,5\n")
    report = imported(files)
    assert (report.rejected, report.interactions.total) == (1, READERS * BOOKS)


def test_without_the_option_the_missing_time_is_told_with_the_way_out(files: Path) -> None:
    with pytest.raises(ImportFailedError, match=r"no time columns.*add --no-order"):
        import_catalog("books", form="csv", request=Request(path=files / "r.csv", items=files / "items.csv"))


def test_a_time_that_is_there_is_not_passed_over_in_silence(files: Path) -> None:
    (files / "r.csv").write_text("user_id,item_id,rating,timestamp\n1,1,5,1600000000\n")
    with pytest.raises(ImportFailedError, match=r"has a column 'timestamp': leave --no-order out"):
        imported(files)
    assert imported(files, columns={"timestamp": ""}).interactions.total == 1


def test_other_formats_have_a_time(tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match="no use for --no-order"):
        import_catalog("films", form="movielens-1m", request=Request(path=tmp_path, no_order=True))


def test_a_catalog_does_not_change_its_clock(files: Path, catalog: Catalog) -> None:
    (files / "r.csv").write_text("user_id,item_id,rating,timestamp\n1,1,5,1600000000\n")
    request = Request(path=files / "r.csv", items=files / "items.csv")
    with pytest.raises(ImportFailedError, match="catalog books are no order, this import's are Unix seconds"):
        import_catalog("books", form="csv", request=request)


@pytest.mark.parametrize("name", SPLITS)
def test_a_split_by_order_is_refused_in_words(catalog: Catalog, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    cuts = {"valid_from": 1, "test_from": 2} if name == "given" else {}
    recipe = TrainConfig(split=name, **cuts)
    if name == "kar":
        interactions, codes = read(catalog, recipe)
        tested = set(interactions.end_user[codes == TEST].tolist())
        assert 0 < len(tested) < READERS
        require_order(name, catalog.clock)
        call_command("describe_split", "books", "--split", name)
        assert "the first half of each end user's interactions is one drawn by chance" in capsys.readouterr().out
        return
    for ask in (lambda: read(catalog, recipe), lambda: require_order(name, catalog.clock)):
        with pytest.raises(CannotTrainError, match=f"The split {name} needs to know .* choose the split kar"):
            ask()
    for command in ("describe_split", "train_backbone", "evaluate"):
        with pytest.raises(CommandError, match="choose the split kar"):
            call_command(command, "books", "--split", name, **cuts)
    assert not TrainingRun.objects.exists()
    assert not Evaluation.objects.exists()


@pytest.mark.parametrize("window", ["latest", "sliding"])
def test_a_window_by_order_is_refused_in_words(catalog: Catalog, window: str) -> None:
    with pytest.raises(SettingError, match="imported without an order: choose prefix"):
        service.open_rounds(catalog, OpenConfig(window=window))
    with pytest.raises(CommandError, match="choose prefix"):
        call_command("open_rounds", "books", "--subjects", "all", "--window", window)
    assert not Round.objects.exists()


def test_a_teacher_is_not_asked_what_came_next(catalog: Catalog) -> None:
    with pytest.raises(CommandError, match="imported without an order"):
        call_command("build_training_sets", "books", "--limit", "1")


def test_rounds_show_a_half_and_say_that_its_order_means_nothing(catalog: Catalog) -> None:
    batch = service.open_rounds(catalog, OpenConfig())
    for round_ in batch.rounds.all():
        subject = Subject.from_json(round_.evidence)
        shown = {met.interaction_id for met in subject.history}
        assert len(shown) == (BOOKS / 2 if round_.end_user else 0)
        assert round_.as_of == 0 or not Interaction.objects.filter(pk__in=shown, moment__gte=round_.as_of).exists()
        for step in ("reason", "reflect", "refine"):
            said = {"rationale": "Likes.", "critique": "Why?"}
            given = {k: v for k, v in said.items() if step == "refine" or (step == "reflect" and k == "rationale")}
            system = prompts.render(subject, step, **given).messages[0]["content"]  # type: ignore[arg-type]
            assert not [claim for claim in ("oldest first", "in the order in which", "latest") if claim in system]
            assert "no order that means anything" in system or subject.kind == "item"


def test_the_wording_without_an_order_differs_in_that_alone() -> None:
    for (kind, step), version in prompts.UNORDERED.items():
        plain = prompts.load(f"{kind}/{step}", prompts.VERSIONS[kind, step])
        other = prompts.load(f"{kind}/{step}.unordered", version)
        told = plain.sections["system"].replace(", the oldest first, each with", ", each with")
        told = told.replace("in the order in which the person met them", "in no order that means anything")
        told = told.replace(" Do not let the latest entries drown out the rest.", "")
        assert other.sections == plain.sections | {"system": told}


def test_forms_refuse_what_needs_an_order(catalog: Catalog, browser_of: SignIn, lena: Account) -> None:  # noqa: F811
    lead = browser_of(lena)
    asked = {"catalog": "books", "subjects": "all", "limit": 5, "strategy": "refine", "low_activity": 0}
    answer = lead.post(reverse("reviews:open_rounds"), asked | {"window": "latest"})
    assert (answer.status_code, "imported without an order" in answer.content.decode()) == (422, True)
    study = {"backbones": ["din"], "arms": ["base", "knowledge"], "seeds": 2, "users": 100}
    for address, asked in (("train_backbone", {}), ("start_evaluation", study)):
        answer = lead.post(reverse(f"reviews:{address}"), {"catalog": "books"} | asked)
        assert (answer.status_code, "choose the split kar" in answer.content.decode()) == (422, True)
        assert lead.post(reverse(f"reviews:{address}"), {"catalog": "books", "split": "kar"} | asked).status_code == 302


@pytest.mark.parametrize("backbone", BY_ORDER)
def test_a_model_of_the_order_is_refused_everywhere(
    catalog: Catalog,
    backbone: str,
    browser_of: SignIn,  # noqa: F811
    lena: Account,  # noqa: F811
) -> None:
    with pytest.raises(CommandError, match="would learn in which order people met things"):
        call_command("train_backbone", "books", "--split", "kar", "--backbone", backbone)
    with pytest.raises(CommandError, match="would learn in which order people met things"):
        call_command("evaluate", "books", "--split", "kar", "--backbone", "din", backbone)
    lead, study = browser_of(lena), {"arms": ["base", "knowledge"], "seeds": 2, "users": 100}
    for address, asked in (("train_backbone", {"backbone": backbone}), ("start_evaluation", {"backbones": backbone})):
        answer = lead.post(reverse(f"reviews:{address}"), {"catalog": "books", "split": "kar"} | study | asked)
        assert (answer.status_code, "choose another model type" in answer.content.decode()) == (422, True)
    assert not TrainingRun.objects.exists()
    assert not Evaluation.objects.exists()


def test_a_run_of_such_a_model_that_was_asked_for_before_fails_in_words(catalog: Catalog) -> None:
    settings = TrainConfig(backbone="gru4rec", split="kar").to_json()
    asked = runs.request(TRAINING, queue=False, catalog=catalog, config=settings)
    runs.run(TRAINING, asked.pk, training.carry_out)
    asked.refresh_from_db()
    assert (asked.state, "GRU4Rec would learn" in asked.error) == (RunState.FAILED, True)


def test_pages_say_that_the_order_is_drawn_by_chance_before_and_after(
    catalog: Catalog,
    browser_of: SignIn,  # noqa: F811
    lena: Account,  # noqa: F811
) -> None:
    lead = browser_of(lena)
    for address in ("train_backbone", "start_evaluation"):
        said = lead.get(reverse(f"reviews:{address}")).content.decode()
        assert "Imported without an order: books. There each history is read in an order drawn by chance." in said
    asked = {"catalog": "books", "split": "kar", "backbone": "sim", "left_out": ["match"]}
    page = lead.post(reverse("reviews:train_backbone"), asked, follow=True).content.decode()
    assert "each history is read in one drawn by chance" in page
    assert "how long ago a rating was, which SIM reads, and the signal Drift" in page


def test_pages_say_nothing_of_it_where_the_order_is_known(browser_of: SignIn, lena: Account) -> None:  # noqa: F811
    Catalog.objects.create(name="films")
    lead = browser_of(lena)
    assert "by chance" not in lead.get(reverse("reviews:train_backbone")).content.decode()
    page = lead.post(reverse("reviews:train_backbone"), {"catalog": "films", "backbone": "gru4rec"}, follow=True)
    assert page.redirect_chain
    assert "by chance" not in page.content.decode()


def test_the_command_warns_of_what_learns_nothing(catalog: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("train_backbone", "books", "--split", "kar", "--queue")
    assert "Nothing can be learnt there from the signal Drift." in capsys.readouterr().err
    call_command("train_backbone", "books", "--split", "kar", "--off", "drift", "--queue")
    said = capsys.readouterr().err
    assert ("drawn by chance" in said, "Drift" in said) == (True, False)


def test_rest_says_that_the_clock_is_none(catalog: Catalog, pam: Account) -> None:  # noqa: F811
    _, key = create_token("shop", account=pam)
    answer = APIClient().get(reverse("api:catalogs"), headers={"Authorization": f"Bearer {key}"})
    assert answer.json()["catalogs"][0]["clock"] == "none"
