"""The pages people use. The top bar links queue, rounds, backbones and insights for the roles that may see them."""

from django.urls import URLPattern, URLResolver, path, register_converter

from reviews.pages.accounts import views as accounts
from reviews.pages.backbones import views as backbones
from reviews.pages.care import views as care
from reviews.pages.erasure import views as erasure
from reviews.pages.evaluations import views as evaluations
from reviews.pages.experiments import views as experiments
from reviews.pages.experts import views as experts
from reviews.pages.guidelines import views as guidelines
from reviews.pages.insights import views as insights
from reviews.pages.rounds import views as rounds
from reviews.pages.rules import views as rules
from reviews.pages.tokens import views as tokens
from reviews.pages.versions import views as versions
from reviews.pages.webhooks import views as webhooks
from reviews.room import ai_answers, card_views, queue_views, said_views, statement_views


class Id:
    """A row's number, no larger than databases hold: a longer one is no address."""

    regex = r"[0-9]{1,18}"
    to_python = int
    to_url = str


register_converter(Id, "id")
app_name = "reviews"
urlpatterns: list[URLPattern | URLResolver] = [
    path("reviews/", queue_views.queue, name="queue"),
    path("reviews/start/", queue_views.start, name="start"),
    path("reviews/unskip/", queue_views.unskip, name="unskip"),
    path("reviews/said/", said_views.waiting, name="said"),
    path("reviews/said/<id:statement_id>/", said_views.judge, name="judge_said"),
    path("reviews/last/", card_views.last, name="last"),
    path("reviews/decisions/<id:decision_id>/undo/", card_views.take_back, name="undo"),
    path("reviews/<id:review_id>/", card_views.review, name="review"),
    path("reviews/<id:review_id>/decide/", card_views.decide, name="decide"),
    path("reviews/<id:review_id>/skip/", card_views.skip, name="skip"),
    path("reviews/<id:review_id>/claim/", card_views.take, name="claim"),
    path("reviews/<id:review_id>/release/", card_views.release, name="release"),
    path("reviews/<id:review_id>/lease/", card_views.renew, name="renew"),
    path("reviews/<id:review_id>/reopen/", card_views.reopen, name="reopen"),
    path("reviews/<id:review_id>/unsent/", card_views.keep_unsent, name="keep_unsent"),
    path("reviews/<id:review_id>/unsent/discard/", card_views.discard_unsent, name="discard_unsent"),
    path("reviews/<id:review_id>/statements/", statement_views.add, name="add_statement"),
    path("reviews/<id:review_id>/statements/<id:statement_id>/", statement_views.change, name="change_statement"),
    path("reviews/<id:review_id>/said/<id:statement_id>/", said_views.judge_on_card, name="judge_said_on_card"),
    path("reviews/<id:review_id>/difference/", statement_views.difference, name="difference"),
    path("reviews/<id:review_id>/known-now/", statement_views.known_now, name="known_now"),
    path("reviews/<id:review_id>/ai-answers/", ai_answers.ai_answers, name="ai_answers"),
    path("guidelines/", guidelines.guidelines, name="guidelines"),
    path("guidelines/write/", guidelines.write, name="write_guidelines"),
    path("rounds/", rounds.rounds, name="rounds"),
    path("rounds/open/", rounds.open_rounds, name="open_rounds"),
    path("rounds/batches/<id:batch_id>/", rounds.batch, name="round_batch"),
    path("rounds/batches/<id:batch_id>/retry/", rounds.retry_batch, name="retry_round_batch"),
    path("rounds/batches/<id:batch_id>/cancel/", rounds.cancel_batch, name="cancel_round_batch"),
    path("rounds/batches/<id:batch_id>/pause/", rounds.pause_batch, name="pause_round_batch"),
    path("rounds/batches/<id:batch_id>/resume/", rounds.resume_batch, name="resume_round_batch"),
    path("rounds/<id:round_id>/", rounds.show_round, name="round"),
    path("rounds/<id:round_id>/retry/", rounds.retry_round, name="retry_round"),
    path("rounds/<id:round_id>/cancel/", rounds.cancel_round, name="cancel_round"),
    path("insights/", insights.find, name="insights"),
    path("insights/<slug:catalog>/users/<path:user_id>/", insights.end_user, name="insights_end_user"),
    path("experiments/", experiments.experiments, name="experiments"),
    path("experiments/write/", experiments.write, name="write_experiment"),
    path("experiments/<id:experiment_id>/", experiments.experiment, name="experiment"),
    path("experiments/<id:experiment_id>/start/", experiments.start, name="start_experiment"),
    path("experiments/<id:experiment_id>/stop/", experiments.stop, name="stop_experiment"),
    path("experiments/<id:experiment_id>/discard/", experiments.discard, name="discard_experiment"),
    path("rules/", rules.rules, name="rules"),
    path("rules/set/", rules.set_rule, name="set_rule"),
    path("rules/items/", rules.items, name="rule_items"),
    path("rules/<id:rule_id>/end/", rules.end, name="end_rule"),
    path("experts/", experts.experts, name="experts"),
    path("experts/start/", experts.start, name="start_grouping"),
    path("experts/<id:grouping_id>/progress/", experts.progress, name="grouping_progress"),
    path("experts/<id:grouping_id>/cancel/", experts.cancel, name="cancel_grouping"),
    path("experts/<slug:catalog>/users/<path:user_id>/", experts.end_user, name="experts_end_user"),
    path("erasures/", erasure.erasures, name="erasures"),
    path("erasures/<id:erasure_id>/", erasure.erasure, name="erasure"),
    path("erase/<slug:catalog>/<slug:kind>/<path:external_id>/", erasure.erase, name="erase"),
    path("export/<slug:catalog>/users/<path:user_id>/", erasure.export_person, name="export_person"),
    path("accounts/", accounts.accounts, name="accounts"),
    path("accounts/log/", accounts.log, name="account_log"),
    path("accounts/<id:account_id>/role/", accounts.change_role, name="change_role"),
    path("accounts/<id:account_id>/catalogs/", accounts.change_catalogs, name="change_catalogs"),
    path("accounts/<id:account_id>/password/", accounts.reset, name="reset_password"),
    path("accounts/<id:account_id>/email/", accounts.change_email, name="change_email"),
    path("accounts/<id:account_id>/second-factor/", accounts.reset_second_factor, name="reset_second_factor"),
    path("accounts/<id:account_id>/close/", accounts.close, name="close_account"),
    path("accounts/<id:account_id>/reopen/", accounts.reopen, name="reopen_account"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<id:token_id>/revoke/", tokens.revoke, name="revoke_token"),
    path("webhooks/", webhooks.webhooks, name="webhooks"),
    path("webhooks/<id:webhook_id>/", webhooks.webhook, name="webhook"),
    path("webhooks/<id:webhook_id>/secret/", webhooks.change_secret, name="change_webhook_secret"),
    path("webhooks/<id:webhook_id>/ping/", webhooks.ping, name="ping_webhook"),
    path("webhooks/<id:webhook_id>/switch/", webhooks.switch, name="switch_webhook"),
    path("webhooks/<id:webhook_id>/remove/", webhooks.remove, name="remove_webhook"),
    path("webhooks/<id:webhook_id>/redeliver/", webhooks.redeliver_failed, name="redeliver_failed"),
    path("webhooks/deliveries/<id:delivery_id>/redeliver/", webhooks.redeliver, name="redeliver"),
    path("backbones/", backbones.backbones, name="backbones"),
    path("backbones/train/", backbones.train, name="train_backbone"),
    path("backbones/runs/<id:run_id>/", backbones.training_run, name="training_run"),
    path("backbones/runs/<id:run_id>/progress/", backbones.training_progress, name="training_progress"),
    path("backbones/runs/<id:run_id>/cancel/", backbones.cancel, name="cancel_training"),
    path("backbones/learnings/<id:learning_id>/cancel/", backbones.cancel_learning, name="cancel_learning"),
    path("backbones/scorings/<id:scoring_id>/cancel/", backbones.cancel_scoring, name="cancel_scoring"),
    path("backbones/<id:version_id>/", versions.backbone, name="backbone"),
    path("backbones/<id:version_id>/gates/", versions.gates, name="backbone_gates"),
    path("backbones/<id:version_id>/gates/check/", versions.check_gates, name="check_gates"),
    path("backbones/<id:version_id>/activate/", versions.activate, name="activate_backbone"),
    path("backbones/<id:version_id>/roll-out/", versions.roll_out, name="roll_out"),
    path("backbones/<id:version_id>/roll-out/stop/", versions.stop_roll_out, name="stop_roll_out"),
    path("backbones/<slug:catalog>/roll-back/", versions.roll_back, name="roll_back"),
    path("backbones/<slug:catalog>/care/", care.care, name="care"),
    path("backbones/<slug:catalog>/care/guards/", care.change_guards, name="change_guards"),
    path("backbones/<slug:catalog>/care/rebuilds/", care.change_rebuilds, name="change_rebuilds"),
    path("evaluations/", evaluations.evaluations, name="evaluations"),
    path("evaluations/start/", evaluations.start, name="start_evaluation"),
    path("evaluations/<id:evaluation_id>/", evaluations.evaluation, name="evaluation"),
    path("evaluations/<id:evaluation_id>/progress/", evaluations.progress, name="evaluation_progress"),
    path("evaluations/<id:evaluation_id>/cancel/", evaluations.cancel, name="cancel_evaluation"),
    path("evaluations/<id:evaluation_id>/resume/", evaluations.resume, name="resume_evaluation"),
]
