"""The pages people use. The top bar links queue, rounds, backbones and insights for the roles that may see them."""

from django.urls import URLPattern, URLResolver, path

from reviews.views import cards, queue

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
]
