"""Who may use which address, as one table, and what a REST address needs. A new address needs a row here."""

from dataclasses import dataclass

from recommender.models import Role, TokenScope


@dataclass(frozen=True)
class Rule:
    """Who may use an address, and what they get by each method; None: 405."""

    roles: frozenset[str]
    get: int | None = None
    post: int | None = None
    whole: bool = False  # about the whole installation: not for an account of some catalogs
    absent: int = 404  # what is not theirs, and what does not exist: the same

    @property
    def methods(self) -> dict[str, int]:
        return {method: status for method in ("get", "post") if (status := getattr(self, method)) is not None}


ALL, DECIDERS = frozenset(Role.values), frozenset({Role.ANNOTATOR, Role.LEAD})
READERS, LEADS = frozenset({Role.PM, Role.LEAD}), frozenset({Role.LEAD})

# An empty form is sent: where one needs more than a button, 422 says that it was let in.
PAGES = {
    "home": Rule(ALL, get=200),
    "password_change": Rule(ALL, get=200, post=200),
    "second_factor": Rule(ALL, get=200, post=200),
    "new_recovery_codes": Rule(ALL, post=302),
    "second_factor_off": Rule(ALL, post=302),
    "reviews:queue": Rule(DECIDERS, get=200),
    "reviews:start": Rule(DECIDERS, post=302),
    "reviews:unskip": Rule(DECIDERS, post=302),
    "reviews:said": Rule(DECIDERS, get=200),
    "reviews:judge_said": Rule(DECIDERS, post=302),
    "reviews:judge_said_on_card": Rule(DECIDERS, post=302),
    "reviews:last": Rule(DECIDERS, get=200),
    "reviews:undo": Rule(DECIDERS, post=302, absent=302),
    "reviews:review": Rule(DECIDERS, get=200),
    "reviews:decide": Rule(DECIDERS, post=422),
    "reviews:skip": Rule(DECIDERS, post=302),
    "reviews:claim": Rule(DECIDERS, post=302),
    "reviews:release": Rule(DECIDERS, post=302),
    "reviews:renew": Rule(DECIDERS, post=302),
    "reviews:reopen": Rule(DECIDERS, post=302),
    "reviews:keep_unsent": Rule(DECIDERS, post=200),
    "reviews:discard_unsent": Rule(DECIDERS, post=302),
    "reviews:add_statement": Rule(DECIDERS, post=409),
    "reviews:change_statement": Rule(DECIDERS, post=409),
    "reviews:difference": Rule(DECIDERS, get=200),
    "reviews:known_now": Rule(DECIDERS, get=200),
    "reviews:ai_answers": Rule(DECIDERS, get=200),
    "reviews:guidelines": Rule(DECIDERS, get=200),
    "reviews:write_guidelines": Rule(LEADS, get=200, post=422, whole=True),
    "reviews:rounds": Rule(ALL, get=200),
    "reviews:open_rounds": Rule(LEADS, get=200, post=422),
    "reviews:round_batch": Rule(ALL, get=200),
    "reviews:retry_round_batch": Rule(LEADS, post=302),
    "reviews:cancel_round_batch": Rule(LEADS, post=302),
    "reviews:pause_round_batch": Rule(LEADS, post=302),
    "reviews:resume_round_batch": Rule(LEADS, post=302),
    "reviews:round": Rule(ALL, get=200),
    "reviews:retry_round": Rule(LEADS, post=302),
    "reviews:cancel_round": Rule(LEADS, post=302),
    "reviews:insights": Rule(READERS, get=200),
    "reviews:insights_end_user": Rule(READERS, get=200),
    "reviews:experiments": Rule(READERS, get=200),
    "reviews:write_experiment": Rule(LEADS, get=200, post=422),
    "reviews:experiment": Rule(READERS, get=200),
    "reviews:start_experiment": Rule(LEADS, post=302),
    "reviews:stop_experiment": Rule(LEADS, post=302),
    "reviews:discard_experiment": Rule(LEADS, post=302),
    "reviews:rules": Rule(READERS, get=200),
    "reviews:set_rule": Rule(LEADS, get=200, post=422),
    "reviews:rule_items": Rule(LEADS, get=200),
    "reviews:end_rule": Rule(LEADS, post=302),
    "reviews:experts": Rule(READERS, get=200),
    "reviews:start_grouping": Rule(LEADS, get=200, post=422),
    "reviews:grouping_progress": Rule(READERS, get=200),
    "reviews:cancel_grouping": Rule(LEADS, post=302),
    "reviews:experts_end_user": Rule(READERS, get=200),
    "reviews:erasures": Rule(LEADS, get=200, post=422),
    "reviews:erasure": Rule(LEADS, get=200),
    "reviews:erase": Rule(LEADS, get=200, post=302),
    "reviews:export_person": Rule(LEADS, get=200),
    "reviews:accounts": Rule(LEADS, get=200, post=422, whole=True),
    "reviews:account_log": Rule(LEADS, get=200, whole=True),
    "reviews:change_role": Rule(LEADS, post=302, whole=True),
    "reviews:change_catalogs": Rule(LEADS, post=302, whole=True),
    "reviews:reset_password": Rule(LEADS, post=200, whole=True),
    "reviews:change_email": Rule(LEADS, post=302, whole=True),
    "reviews:reset_second_factor": Rule(LEADS, post=302, whole=True),
    "reviews:close_account": Rule(LEADS, post=302, whole=True),
    "reviews:reopen_account": Rule(LEADS, post=302, whole=True),
    "reviews:tokens": Rule(LEADS, get=200, post=422),
    "reviews:revoke_token": Rule(LEADS, post=302),
    "reviews:webhooks": Rule(LEADS, get=200, post=422),
    "reviews:webhook": Rule(LEADS, get=200, post=422),
    "reviews:change_webhook_secret": Rule(LEADS, post=422),
    "reviews:ping_webhook": Rule(LEADS, post=302),
    "reviews:switch_webhook": Rule(LEADS, post=302),
    "reviews:remove_webhook": Rule(LEADS, post=302),
    "reviews:redeliver_failed": Rule(LEADS, post=422),
    "reviews:redeliver": Rule(LEADS, post=302),
    "reviews:backbones": Rule(READERS, get=200),
    "reviews:train_backbone": Rule(LEADS, get=200, post=422),
    "reviews:training_run": Rule(READERS, get=200),
    "reviews:training_progress": Rule(READERS, get=200),
    "reviews:cancel_training": Rule(LEADS, post=302),
    "reviews:cancel_learning": Rule(LEADS, post=302),
    "reviews:cancel_scoring": Rule(LEADS, post=302),
    "reviews:backbone": Rule(READERS, get=200),
    "reviews:backbone_gates": Rule(READERS, get=200),
    "reviews:check_gates": Rule(LEADS, post=302),
    "reviews:activate_backbone": Rule(LEADS, get=200, post=409),
    "reviews:roll_out": Rule(LEADS, post=422),
    "reviews:stop_roll_out": Rule(LEADS, post=302),
    "reviews:roll_back": Rule(LEADS, get=409, post=409),
    "reviews:care": Rule(READERS, get=200),
    "reviews:change_guards": Rule(LEADS, post=302),
    "reviews:change_rebuilds": Rule(LEADS, post=302),
    "reviews:evaluations": Rule(READERS, get=200),
    "reviews:start_evaluation": Rule(LEADS, get=200, post=422),
    "reviews:evaluation": Rule(READERS, get=200),
    "reviews:evaluation_progress": Rule(READERS, get=200),
    "reviews:cancel_evaluation": Rule(LEADS, post=302),
    "reviews:resume_evaluation": Rule(LEADS, post=302),
}
# The method, the scope, and the answer where it is theirs: a form is sent, where JSON is wanted.
REST = {
    "api:catalogs": ("get", TokenScope.CATALOGS_READ, 200),
    "api:recommendations": ("get", TokenScope.RECOMMENDATIONS_READ, 200),
    "api:recommendation": ("get", TokenScope.RECOMMENDATIONS_READ, 200),
    "api:user_explanation": ("get", TokenScope.EXPLANATIONS_READ, 200),
    "api:item_explanation": ("get", TokenScope.EXPLANATIONS_READ, 200),
    "api:explanation": ("get", TokenScope.EXPLANATIONS_READ, 200),
    "api:disputes": ("post", TokenScope.DISPUTES_WRITE, 415),
    "api:dispute": ("get", TokenScope.DISPUTES_WRITE, 200),
    "api:statements": ("get", TokenScope.STATEMENTS_WRITE, 200),
    "api:statement": ("get", TokenScope.STATEMENTS_WRITE, 200),
    "api:restore_statement": ("post", TokenScope.STATEMENTS_WRITE, 200),
    "api:not_for_me": ("post", TokenScope.STATEMENTS_WRITE, 415),
    "api:person": ("get", TokenScope.PEOPLE_MANAGE, 200),
    "api:item": ("delete", TokenScope.PEOPLE_MANAGE, 200),
    "api:session": ("post", TokenScope.RECOMMENDATIONS_READ, 200),
    "api:batch": ("post", TokenScope.RECOMMENDATIONS_READ, 200),
    "api:similar": ("get", TokenScope.RECOMMENDATIONS_READ, 200),
    "api:rules": ("get", TokenScope.RULES_MANAGE, 200),
    "api:remove_rules": ("post", TokenScope.RULES_MANAGE, 200),
    "api:rule": ("delete", TokenScope.RULES_MANAGE, 200),
    "api:experiments": ("get", TokenScope.EXPERIMENTS_READ, 200),
    "api:experiment": ("get", TokenScope.EXPERIMENTS_READ, 200),
    "api:write_experiment": ("post", TokenScope.EXPERIMENTS_MANAGE, 200),
    "api:start_experiment": ("post", TokenScope.EXPERIMENTS_MANAGE, 200),
    "api:stop_experiment": ("post", TokenScope.EXPERIMENTS_MANAGE, 409),
    "api:events": ("post", TokenScope.EVENTS_WRITE, 200),
    "api:items": ("post", TokenScope.CATALOG_WRITE, 200),
    "api:users": ("post", TokenScope.CATALOG_WRITE, 200),
    "api:import": ("post", TokenScope.CATALOG_WRITE, 200),
    "api:webhooks": ("get", TokenScope.WEBHOOKS_MANAGE, 200),
    "api:webhook": ("delete", TokenScope.WEBHOOKS_MANAGE, 200),
    "api:webhook_secret": ("post", TokenScope.WEBHOOKS_MANAGE, 200),
    "api:webhook_ping": ("post", TokenScope.WEBHOOKS_MANAGE, 200),
    "api:webhook_deliveries": ("get", TokenScope.WEBHOOKS_MANAGE, 200),
    "api:webhook_redeliveries": ("post", TokenScope.WEBHOOKS_MANAGE, 200),
}
# What is sent where a body is needed, and its type.
BODIES = {
    "api:session": ("{}", "application/json"),
    "api:remove_rules": ('{"item_ids": ["x"]}', "application/json"),
    "api:batch": ('{"entries": [{}]}', "application/json"),
    "api:not_for_me": ("sent=1", "application/x-www-form-urlencoded"),
    "api:write_experiment": (
        '{"key": "other", "variants": [{"name": "a"}, {"name": "b"}]}',
        "application/json",
    ),
    "api:disputes": ("sent=1", "application/x-www-form-urlencoded"),
    "api:events": ('{"events": []}', "application/json"),
    "api:items": ('{"items": []}', "application/json"),
    "api:users": ('{"users": []}', "application/json"),
    "api:import": ("\n", "application/x-ndjson"),
    "api:webhook_redeliveries": ('{"since": "2026-01-01T00:00:00Z"}', "application/json"),
}
SIGNING_IN = {"sign_in_code", "outside", "outside_back"}  # their own tests: tests/reviews/pages
WITHOUT_SIGNING_IN = {
    *("login", "logout", "theme", "live", "ready", "metrics", "api:schema", "api:docs", "api:unknown"),
    *SIGNING_IN,
}
