"""The PM's pages: find an end user, read their list and its reasons."""

import re
import shutil
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from recommender.artifacts import files, verified
from recommender.models import (
    Account,
    BackboneVersion,
    Catalog,
    Interaction,
    LlmCall,
    Recommendation,
    Rollout,
    RuleKind,
    ScoredList,
    ScoringRun,
    Turn,
)
from recommender.serving import catalog_index, rules
from recommender.serving.recommend import preview
from recommender.serving.request import request_for
from recommender.statements import service as statements
from recommender.thinkrec.scoring import lists as scored_lists
from recommender.thinkrec.scoring.answers import Verdict
from recommender.thinkrec.scoring.lists import ScoredItem
from reviews.templatetags.evidence import within_quotes
from tests.architecture.words import shown
from tests.builders import make_account, make_catalog, make_end_user, make_interaction, make_item, make_round
from tests.recommender.promotion.versions import make_version
from tests.recommender.serving.ranked import ranked_catalog, trained
from tests.recommender.training import synthetic

SignIn = Callable[[Account], Client]

FIND = "/insights/"


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    verified.LOADED.clear()
    catalog_index.KEPT.clear()
    rules.KEPT.clear()


@pytest.fixture
def pm(pam: Account, browser_of: SignIn) -> Client:
    return browser_of(pam)


@pytest.fixture
def films(db: None) -> Catalog:
    """u1 liked a war film; another one is left, and nobody has trained a backbone."""
    catalog = make_catalog("films", prompt_attributes=["genres"])
    reader = make_end_user(catalog, "u1", attributes={"age": 52})
    make_interaction(reader, make_item(catalog, "Paths <of> Glory", genres=["War"]), moment=1_000_000_000)
    make_interaction(make_end_user(catalog, "u2"), make_item(catalog, "Ran", external_id="ran", genres=["War"]))
    return catalog


def page(client: Client, path: str, *, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return str(response.content.decode())


def test_only_roles_that_browse_explanations_get_in(
    films: Catalog, client: Client, rita: Account, lena: Account, browser_of: SignIn
) -> None:
    for path in (FIND, "/insights/films/users/u1/"):
        assert client.get(path)["Location"].startswith("/sign-in/")
        assert browser_of(rita).get(path).status_code == 403
        assert browser_of(lena).get(path).status_code == 200


def test_without_a_catalog_the_page_says_how_to_get_one(pm: Client) -> None:
    assert "import_catalog" in page(pm, FIND)


def test_some_end_users_are_offered_those_with_approved_texts_first(pm: Client, films: Catalog) -> None:
    synthetic.approve(films.end_users.get(external_id="u2"), "Likes war films.")
    text = page(pm, FIND)
    assert text.index("/insights/films/users/u2/") < text.index("/insights/films/users/u1/")
    assert "Approved" in text
    assert "No model is active in films" in text


def test_a_whole_id_opens_the_end_user_s_page(pm: Client, films: Catalog) -> None:
    response = pm.get(FIND, {"catalog": "films", "q": " u1 "})
    assert response["Location"] == "/insights/films/users/u1/"


@pytest.mark.parametrize("q", ["u", "2"])
def test_a_part_of_an_id_lists_who_has_it(pm: Client, films: Catalog, q: str) -> None:
    make_end_user(films, "other")
    text = page(pm, f"{FIND}?catalog=films&q={q}")
    assert "/insights/films/users/u2/" in text
    assert "/insights/films/users/other/" not in text


@pytest.mark.parametrize("q", ["über den dächern", "ÜBER", "Dächern (", "grüße"])
def test_upper_and_lower_case_are_one_in_any_alphabet(pm: Client, films: Catalog, q: str) -> None:
    make_item(films, "Grüße: Über den Dächern (1955)")
    make_item(films, "Gruesse")
    make_end_user(films, "jürgen groß")
    page = pm.get(f"/insights/?catalog={films.name}", {"q": q}).content.decode()
    assert "Grüße: Über den Dächern (1955)" in page
    assert "Gruesse" not in page
    assert "jürgen groß" in pm.get("/insights/", {"catalog": films.name, "q": "JÜRGEN"}).content.decode()


def test_an_id_nobody_has_is_said_to_be_nobody_s(pm: Client, films: Catalog) -> None:
    assert "No user of films has “&lt;zzz&gt;” in their id, and no item" in page(
        pm, f"{FIND}?catalog=films&q=%3Czzz%3E"
    )


@pytest.mark.parametrize("query", ["catalog=nowhere", "catalog=films&q=%00", "catalog=%00"])
def test_what_cannot_be_is_refused_in_place(pm: Client, films: Catalog, query: str) -> None:
    assert 'class="error"' in page(pm, f"{FIND}?{query}", status=422)


def test_an_unknown_end_user_is_not_found(pm: Client, films: Catalog) -> None:
    for path in ("/insights/films/users/nobody/", "/insights/nowhere/users/u1/", "/insights/films/users/%00/"):
        assert pm.get(path).status_code == 404


def test_a_list_without_a_backbone_is_called_no_personal_list(pm: Client, films: Catalog) -> None:
    text = page(pm, "/insights/films/users/u1/")
    assert "Popular movies, not a personal list" in text
    assert "No backbone is active in this catalog yet" in text
    assert "Ran" in text
    assert "Liked by 1 of the 1 who judged it." in text
    assert "which have something in common with it (the list may have had other reasons)" in text
    assert "We have not written about this user yet." in text


def test_the_history_stands_beside_the_list_and_its_titles_are_only_text(pm: Client, films: Catalog) -> None:
    text = page(pm, "/insights/films/users/u1/")
    assert "Paths &lt;of&gt; Glory" in text
    assert "Paths <of> Glory" not in text
    assert "9 Sep 2001" in text
    assert "Their ratings</h2>" in text
    assert "1 movie<" in text
    assert '<dt>Age</dt><dd dir="auto">52</dd>' in text


def test_texts_come_with_their_status(pm: Client, films: Catalog) -> None:
    reader = films.end_users.get(external_id="u1")
    round_ = make_round(reader, ("reason", "Likes <b>war</b> films."), ("reflect", ""))
    synthetic.approve(films.items.get(external_id="ran"), "A war film that war lovers like.")
    text = page(pm, "/insights/films/users/u1/")
    assert "Not reviewed" in text
    assert "Likes &lt;b&gt;war&lt;/b&gt; films." in text
    assert "A war film that war lovers like." in text
    assert f'href="/rounds/{round_.pk}/"' in text


def test_what_people_corrected_stands_beside_the_words_that_stay(pm: Client, films: Catalog) -> None:
    """Else the page shows a text whose points nobody holds any more, and nowhere what was said in their place."""
    reader, ann, now = films.end_users.get(external_id="u1"), make_account("ann"), timezone.now()
    for genre in ("Horror", "Western"):
        make_item(films, f"Some {genre}", genres=[genre])
    turn = synthetic.approve(reader, "They love war films. They adore horror.")
    war, horror = (turn.statements.get(key=f"genres={name}") for name in ("War", "Horror"))
    statements.strike([war], account=ann, now=now)
    statements.change(horror, polarity="dislikes", account=ann, now=now)
    statements.add(turn, "Please, no more westerns.", account=ann)
    text = " ".join(page(pm, "/insights/films/users/u1/").split())

    assert text.count('<ul class="own-words small">') == 1
    assert "Struck:</span> Likes <strong>War</strong>" in text
    assert "Changed:</span> Dislikes <strong>Horror</strong>" in text
    assert 'Added:</span> Dislikes <strong>Western</strong> <q class="muted">Please, no more westerns.</q>' in text
    assert text.count('<span class="badge is-human">ann</span>') == 3
    assert "Likes <strong>Horror" not in text  # what it was is not said besides


def test_words_in_quotation_marks_have_single_ones_within() -> None:
    assert within_quotes("They love “Heat (1995)”.") == "They love ‘Heat (1995)’."
    assert within_quotes("") == ""


def test_a_text_of_the_demonstration_model_is_called_that(pm: Client, films: Catalog) -> None:
    round_ = make_round(films.end_users.get(external_id="u1"), ("reason", "Likes war films."), ("reflect", ""))
    call = LlmCall.objects.create(
        round=round_, role="actor", step="reason", turn_index=0, model="r4-demo-actor", messages=[], parameters={}
    )
    Turn.objects.filter(round=round_, index=0).update(call=call)
    assert "Demonstration model" in page(pm, "/insights/films/users/u1/")


def test_a_backbone_s_list_says_which_backbone_and_snapshot_made_it(pm: Client) -> None:
    ranked_catalog("planted")
    text = page(pm, "/insights/planted/users/u002/?limit=25")
    assert "Model 1</a>" in text
    assert "It is being tried" not in text
    assert "knowledge snapshot 1" in text
    assert "chance of a like" in text
    assert 'id="rank-16"' in text
    BackboneVersion.objects.update(drawn=4)  # of a catalog where nobody says no
    text = page(pm, "/insights/planted/users/u002/?limit=25")
    assert "how well it fits" in text
    assert "chance of a like" not in text
    assert "It learned from likes alone" in text


def test_likes_alone_are_called_likes_and_no_ratings(pm: Client) -> None:
    catalog = ranked_catalog("planted")
    address = "/insights/planted/users/u002/?limit=25"
    rated = page(pm, address)
    assert "Because they rated<" in rated
    assert "Their ratings</h2>" in rated
    of_catalog = Interaction.objects.filter(end_user__catalog=catalog)
    of_catalog.filter(pk__in=list(of_catalog.with_liked().filter(liked=False).values_list("pk", flat=True))).delete()
    of_catalog.update(rating=None, label=1)  # as benchmarks.likes_alone makes one
    text = page(pm, address)
    assert "Because they liked<" in text
    assert "Their likes</h2>" in text
    words = shown(text)
    assert not re.search(r"\brat(ed|ings?)\b", words, re.IGNORECASE), words


def test_what_rules_leave_out_is_said_above_the_list(pm: Client, films: Catalog) -> None:
    make_item(films, "Kagemusha")
    assert "out of stock" not in page(pm, "/insights/films/users/u1/")
    rules.put(films, [rules.Wanted(RuleKind.OUT_OF_STOCK, "ran")], by=None)
    assert "1 item left out: out of stock." in page(pm, "/insights/films/users/u1/")


def test_a_canary_s_list_says_that_it_is_one(pm: Client) -> None:
    catalog = ranked_catalog("planted")
    canary = make_version(catalog)
    shutil.copytree(trained(), files.folder_of(canary), dirs_exist_ok=True)
    Rollout.objects.create(catalog=catalog, version=canary, mode="canary", share=1.0, salt="salt")
    text = page(pm, "/insights/planted/users/u002/")
    assert "Model 2</a>" in text
    assert "It is being tried: some users get its lists" in text


@pytest.mark.parametrize("limit", ["", "7", "x", "1000"])
def test_another_length_than_those_offered_is_ten(pm: Client, limit: str) -> None:
    ranked_catalog("planted")
    text = page(pm, f"/insights/planted/users/u000/?limit={limit}")
    assert 'id="rank-10"' in text
    assert 'id="rank-11"' not in text


def test_an_empty_list_says_why(pm: Client, films: Catalog) -> None:
    reader = films.end_users.get(external_id="u1")
    make_interaction(reader, films.items.get(external_id="ran"))
    text = page(pm, "/insights/films/users/u1/")
    assert "An empty list" in text
    assert "met every item" in text


def test_an_end_user_without_history_has_an_empty_one(pm: Client, films: Catalog) -> None:
    make_end_user(films, "u9")
    assert "They have rated or liked nothing yet." in page(pm, "/insights/films/users/u9/")


def test_looking_is_not_serving(pm: Client, films: Catalog) -> None:
    page(pm, "/insights/films/users/u1/")
    assert not Recommendation.objects.exists()


@pytest.mark.parametrize("limit", [10, 25])
def test_a_page_takes_a_fixed_number_of_queries(
    pm: Client, django_assert_num_queries: DjangoAssertNumQueries, limit: int
) -> None:
    """Session, account, end user; history, backbone, items, knowledge, rounds, turns, approvers; history and length;
    whether an LLM has scored a list; what they said themselves, five."""
    catalog = ranked_catalog("planted")
    for item in catalog.items.all():
        make_round(item, ("reason", "Slow."), ("reflect", ""))
    page(pm, "/insights/planted/users/u000/")
    with django_assert_num_queries(19):
        page(pm, f"/insights/planted/users/u000/?limit={limit}")


@pytest.mark.django_db
def test_the_ais_order_is_shown_with_what_it_said_of_each_item(pm: Client) -> None:
    catalog = ranked_catalog("planted")
    reader = catalog.end_users.earliest("pk")
    address = f"/insights/{catalog.name}/users/{reader.external_id}/"
    assert "by=thinkrec" not in page(pm, address)
    assert "The model's order, not the AI's" in page(pm, f"{address}?by=thinkrec")
    first = [item.item_id for item in preview(reader, limit=3).items]
    told: list[tuple[float, str, Verdict]] = [
        (0.9, "Quiet, as they like it. Verdict: Yes", "yes"), (0.4, "Loud. Verdict: Yes, as", "yes"), (0.2, "", ""),
    ]  # fmt: skip
    made = [
        ScoredItem(name, 1.0, 1.0, chance, text=text, verdict=verdict, cut_off=text.endswith("as"))
        for name, (chance, text, verdict) in zip(first, told, strict=True)
    ]
    scored_lists.store(
        ScoringRun.objects.create(catalog=catalog, config={}), reader, made, backbone=BackboneVersion.objects.get(),
        model="tiny", prompt=("score/v1", "0" * 64), history=request_for(reader, limit=1).known,
        knowledge=None, with_preference=False,
    )  # fmt: skip
    assert "?limit=10&amp;by=thinkrec" in page(pm, address)
    shown = page(pm, f"{address}?by=thinkrec")
    assert "explain=full&amp;scenario=thinkrec</pre>" in shown
    assert "Small model for trying out" not in shown
    ScoringRun.objects.update(metrics={"model": f"{catalog.name}-thinkrec-3", "base": "smollm2"})
    assert "Small model for trying out" not in page(pm, f"{address}?by=thinkrec")  # the list is by another model
    ScoredList.objects.update(model=f"{catalog.name}-thinkrec-3: group-1")
    assert "Small model for trying out" in page(pm, f"{address}?by=thinkrec")
    ScoredList.objects.update(model="smollm2")  # as an endpoint that is asked just now calls it
    assert "Small model for trying out" in page(pm, f"{address}?by=thinkrec")
    assert "scenario=thinkrec" not in page(pm, address)
    assert "Quiet, as they like it." in shown
    assert "What it says goes with its answer, a chance of 0.900." in shown
    assert "It says the opposite of its answer, a chance of 0.400." in shown
    assert shown.count("Cut off") == 1
    assert shown.count('id="rank-') == 3
    assert not Recommendation.objects.exists()
