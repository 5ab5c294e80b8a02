"""What a catalog has to know before an LLM learns from its ratings, or is held against them: likes and dislikes.

Asked where somebody starts a run, so that none waits for a worker, or loads a model, to find out. Whether each part of
a split has both is the split's own question.
"""

from recommender.models import Catalog, Interaction
from recommender.models.liked import liked_expression
from recommender.runs.errors import CannotRunError

NOBODY_SAID_NO = (
    "Everything that is known in {catalog} is liked, as where purchases and likes alone are told, and {what} needs "
    "what people did not like too: nothing is drawn for it. Send what was passed over with the label 0 "
    "(docs/moving.md)."
)
NOBODY_SAID_YES = (
    "Nothing is known in {catalog} to be liked, and {what} needs likes: check the catalog's like threshold."
)
NOTHING_KNOWN = (
    "Nothing is known in {catalog} to be liked or not, and {what} needs both: import ratings or likes, or send them."
)


def require_both(catalog: Catalog, *, what: str, otherwise: str = "") -> None:
    """Raises CannotRunError where likes or dislikes are missing. `what` needs them; `otherwise`: a way without."""
    known = Interaction.objects.annotate(said=liked_expression(threshold=catalog.like_threshold))
    likes, dislikes = (known.filter(end_user__catalog=catalog, said=liked).exists() for liked in (True, False))
    if likes and dislikes:
        return
    said = NOBODY_SAID_NO if likes else NOBODY_SAID_YES if dislikes else NOTHING_KNOWN
    raise CannotRunError(" ".join(filter(None, [said.format(catalog=catalog, what=what), otherwise])))
