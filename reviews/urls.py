"""The pages people use. The top bar links queue, rounds, backbones and insights for the roles that may see them."""

from django.urls import URLPattern, URLResolver, path

from reviews.insights import views as insights
from reviews.views import cards, queue, tokens

app_name = "reviews"
urlpatterns: list[URLPattern | URLResolver] = [
    path("reviews/", queue.queue, name="queue"),
    path("reviews/start/", queue.start, name="start"),
    path("reviews/unskip/", queue.unskip, name="unskip"),
    path("reviews/<int:review_id>/", cards.review, name="review"),
    path("reviews/<int:review_id>/decide/", cards.decide, name="decide"),
    path("reviews/<int:review_id>/skip/", cards.skip, name="skip"),
    path("reviews/<int:review_id>/claim/", cards.claim, name="claim"),
    path("reviews/<int:review_id>/release/", cards.release, name="release"),
    path("reviews/<int:review_id>/lease/", cards.renew, name="renew"),
    path("reviews/<int:review_id>/reopen/", cards.reopen, name="reopen"),
    path("insights/", insights.find, name="insights"),
    path("insights/<slug:catalog>/users/<path:user_id>/", insights.end_user, name="insights_end_user"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke, name="revoke_token"),
]
