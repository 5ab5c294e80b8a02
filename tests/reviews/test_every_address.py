"""Every address × everybody × what is theirs, what is not and what does not exist. Its table: addresses.py."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from recommender.accounts.people import change_catalogs
from recommender.accounts.tokens import create_token
from recommender.evaluation.arms import Study
from recommender.experiments.service import Plan, create
from recommender.models import (
    Account,
    Catalog,
    Dispute,
    Erasure,
    Recommendation,
    Role,
    RoundBatch,
    Statement,
    SubjectKind,
    TokenScope,
)
from recommender.models import Rule as BusinessRule
from recommender.runs import service as runs
from recommender.runs.kinds import EVALUATION, GROUPING, SCORING, THINKREC
from recommender.serving.variants import Variant
from recommender.webhooks import service as webhooks
from reviews.models import Verdict
from tests import builders
from tests.recommender.promotion.versions import make_version
from tests.reviews.addresses import BODIES, PAGES, REST, SIGNING_IN, WITHOUT_SIGNING_IN, Rule
from tests.reviews.approved import make_decision

pytestmark = pytest.mark.django_db


NOTHING_GONE: dict[str, Any] = {"counts": {}, "training_rows": {"rounds": [], "cases": []}, "trained_with": []}
OURS, THEIRS = "river-books", "orchard-films"  # limited accounts see the first


@dataclass
class World:
    """`objects`: by catalog's name, then by the name of an address's parameter."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[tuple[str, bool], SimpleCookie] = field(default_factory=dict)  # by role, and whether it is limited
    browser: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def ask(self, method: str, address: str, cookies: SimpleCookie | None = None, **headers: str) -> Any:
        """What is answered; whatever it changed is as before."""
        return self._ask(method, address, {"sent": "1"} if method == "post" else {}, cookies, headers=headers)

    def ask_rest(self, name: str, method: str, address: str, **headers: str) -> Any:
        """The same, with a body where the address needs one."""
        body, kind = BODIES.get(name, ("", "application/json"))
        sent = {"data": body, "content_type": kind} if method == "post" else {}
        return self._ask(method, address, headers=headers, **sent)

    def _ask(self, method: str, address: str, data: Any = None, cookies: Any = None, **more: Any) -> Any:
        self.browser.cookies = SimpleCookie(cookies)
        with transaction.atomic():
            answer = getattr(self.browser, method)(address, data, **more)
            transaction.set_rollback(True)
        return answer


@pytest.fixture
def world(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(
        URLResolver, "resolve_error_handler", lambda _, code: lambda *__, **___: HttpResponse(status=code)
    )
    logging.disable(logging.CRITICAL)  # a line for each refusal costs more than the refusal
    made = World()
    for name in (OURS, THEIRS):
        made.objects[name] = objects(builders.make_catalog(name))
    made.objects["missing"] = dict.fromkeys(made.objects[OURS], 10**9) | {
        "catalog": "nowhere",
        "user_id": "nobody",
        "external_id": "nobody",
        "item_id": "nothing",
        "recommendation_id": uuid4(),
        "dispute_id": uuid4(),
    }
    for role in Role.values:
        for limited in (False, True):
            account = builders.make_account(f"{role}-{limited}", role=Role(role))
            if limited:
                change_catalogs(account, Catalog.objects.filter(name=OURS))
            browser = Client()
            browser.force_login(account)
            made.sessions[role, limited] = browser.cookies
    yield made
    logging.disable(logging.NOTSET)


def objects(catalog: Catalog) -> dict[str, Any]:
    end_user, item = builders.make_end_user(catalog, f"reader-of-{catalog}"), builders.make_item(catalog)
    builders.make_interaction(end_user, item)
    batch = RoundBatch.objects.create(catalog=catalog, subjects="all", window="latest")
    round_ = builders.make_round(item, ("reason", "Slow."), ("reflect", ""), batch=batch)
    version = make_version(catalog)
    keeper = builders.make_account(f"keeper-of-{catalog}", role=Role.LEAD)
    gone = {"content": NOTHING_GONE, "remaining": {}, "digest": f"of {catalog}"}
    erased = Erasure.objects.create(catalog=catalog, kind=SubjectKind.ITEM, subject=0, **gone)
    open_text = builders.make_review(subject=end_user)
    statement = Statement.objects.create(
        end_user=end_user,
        place=0,
        aspect=[{"kind": "phrase", "name": "", "value": "rain"}],
        key="phrase=rain",
        polarity="likes",
        strength=1.0,
        source="end_user",
    )
    Catalog.objects.filter(pk=catalog.pk).update(min_review="any")
    proposal = open_text.round.turns.get(index=2)
    decided = make_decision(builders.make_item(catalog), Verdict.APPROVE, by=keeper.username)
    endpoint, _ = webhooks.add(catalog, "https://shop.example/", ["round.rested"], by=keeper)
    return {
        "catalog": catalog.name,
        "user_id": end_user.external_id,
        "review_id": open_text.pk,
        "statement_id": statement.pk,
        "decision_id": decided.decisions.get().pk,
        "erasure_id": erased.pk,
        "kind": "users",
        "external_id": end_user.external_id,
        "item_id": item.external_id,
        "batch_id": batch.pk,
        "round_id": round_.pk,
        "version_id": version.pk,
        "run_id": version.run_id,
        "evaluation_id": runs.request(EVALUATION, queue=False, catalog=catalog, config=Study().to_json()).pk,
        "grouping_id": runs.request(GROUPING, queue=False, catalog=catalog, config={}).pk,
        "learning_id": runs.request(THINKREC, queue=False, catalog=catalog, config={}).pk,
        "scoring_id": runs.request(SCORING, queue=False, catalog=catalog, config={}).pk,
        "account_id": keeper.pk,
        "token_id": create_token("shop", account=keeper, catalog=catalog)[0].pk,
        "experiment_id": (experiment := create(catalog, Plan("try", (Variant("a"), Variant("b"))), by=None)).pk,
        "key": experiment.key,
        "rule_id": BusinessRule.objects.create(catalog=catalog, kind="bury", item=item).pk,
        "webhook_id": endpoint.pk,
        "delivery_id": webhooks.ping(endpoint).pk,
        "explanation_id": proposal.pk,
        "dispute_id": Dispute.objects.create(turn=proposal, reason="No.").pk,
        "recommendation_id": Recommendation.objects.create(
            catalog=catalog, end_user=end_user, source="popular", items=[]
        ).pk,
    }


def addresses(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every address of the URLconf by its whole name, with its parameters."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield namespace + str(entry.name), list(entry.pattern.converters)
        else:
            yield from addresses(entry, f"{entry.namespace}:" if entry.namespace else namespace)


ADDRESSES = dict(addresses(get_resolver()))


def test_every_address_has_a_rule() -> None:
    assert set(ADDRESSES) == {*PAGES, *REST, *WITHOUT_SIGNING_IN}


def places(world: World, name: str) -> dict[str, str]:
    """The address with what is in each catalog, and with what does not exist; one without parameters is one."""
    known = world.objects if ADDRESSES[name] else {OURS: world.objects[OURS]}
    return {
        where: reverse(name, kwargs={parameter: of[parameter] for parameter in ADDRESSES[name]})
        for where, of in known.items()
    }


def expected(rule: Rule, status: int, role: str, limited: bool, where: str, *, of_a_catalog: bool) -> int:
    if role not in rule.roles or (limited and rule.whole):
        return 403
    if where == "missing" or (limited and where == THEIRS and of_a_catalog):
        return rule.absent
    return status


@pytest.mark.once
def test_every_page_lets_in_whom_it_should(world: World) -> None:
    wrong = []
    for name, rule in PAGES.items():
        of_a_catalog = ADDRESSES[name] != ["account_id"]
        for where, address in places(world, name).items():
            for method, status in rule.methods.items():
                if where == OURS and (answer := world.ask(method, address)).status_code != 302:
                    wrong.append((name, method, "signed out", answer.status_code))
                for (role, limited), cookies in world.sessions.items():
                    due = expected(rule, status, role, limited, where, of_a_catalog=of_a_catalog)
                    if (due == 403 and where != OURS) or (limited and role not in rule.roles):
                        continue  # refused before anything is looked for
                    answer = world.ask(method, address, cookies)
                    if answer.status_code != due:
                        wrong.append((name, method, role, limited, where, answer.status_code, due))
                    may_say_it = not limited or where == THEIRS
                    if not may_say_it and THEIRS.encode() in answer.content:
                        wrong.append((name, method, role, "shows what is not theirs"))
    assert not wrong, "\n".join(map(str, wrong))


def test_an_address_takes_no_other_method(world: World) -> None:
    browser = world.sessions[Role.LEAD, False]
    for name, rule in PAGES.items():
        for method in {"get", "post"} - set(rule.methods):
            assert world.ask(method, places(world, name)[OURS], browser).status_code == 405, (name, method)


def test_every_rest_address_takes_a_token_of_its_scope_and_catalog(world: World) -> None:
    everywhere, limited = (Account.objects.get(username=f"lead-{limited}") for limited in (False, True))
    ours, everything = Catalog.objects.get(name=OURS), list(TokenScope)
    keys = {  # and whether they see what is of the other catalog
        "all": (create_token("all", account=everywhere, scopes=everything)[1], True),
        "of one catalog": (create_token("one", account=everywhere, catalog=ours, scopes=everything)[1], False),
        "of a limited account": (create_token("limited", account=limited, scopes=everything)[1], False),
    }
    for name, (method, scope, let_in) in REST.items():
        others = [one for one in TokenScope if one != scope]
        _, lacking = create_token("lacking", account=everywhere, scopes=others)
        for where, address in places(world, name).items():
            assert world.ask_rest(name, method, address).status_code == 401
            refused = world.ask_rest(name, method, address, Authorization=f"Bearer {lacking}")
            assert (refused.status_code, refused.json()["type"]) == (403, "urn:r4web:problem:scope-missing")
            for kind, (key, sees_theirs) in keys.items():
                answer = world.ask_rest(name, method, address, Authorization=f"Bearer {key}")
                is_there = where == OURS or (where == THEIRS and sees_theirs)
                assert answer.status_code == (let_in if is_there else 404), (name, kind, where)
                assert sees_theirs or where == THEIRS or THEIRS not in answer.content.decode(), (name, kind, where)


def test_what_is_open_to_everybody_opens(world: World) -> None:
    names = WITHOUT_SIGNING_IN - SIGNING_IN - {"logout", "theme", "api:unknown"}
    answered = {name: world.ask("get", reverse(name)).status_code for name in names}
    assert answered.pop("ready") in (200, 503)
    assert answered == dict.fromkeys(answered, 200)
