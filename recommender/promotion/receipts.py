"""Impact receipts: written once for each version, whoever asks and however often."""

from collections.abc import Callable, Mapping

from django.conf import settings

from recommender.artifacts import files, ranker
from recommender.measures.bootstrap import Interval
from recommender.models import BackboneVersion, ImpactReceipt
from recommender.promotion import receipt


def write(
    version: BackboneVersion,
    previous: BackboneVersion | None,
    *,
    differences: Mapping[str, Interval | None],
    step: Callable[[int, int], None],
) -> ImpactReceipt:
    """What the rebuild changed against the version that was active then; the receipt that is there already, if one is.

    `differences`: of the scores, as the gates measured them.
    """
    written = ImpactReceipt.objects.filter(version=version).first()
    if written:
        return written
    content = {
        "knowledge": receipt.knowledge(version.snapshot, previous.snapshot if previous else None),
        "metrics": receipt.metrics(version, differences),
        "lists": None,
        "note": "",
    }
    if previous is not None:
        try:
            new, old = (ranker.read(files.folder_of(one)) for one in (version, previous))
            most = settings.RECEIPT_END_USERS
            content["lists"] = receipt.lists(version.catalog, new, old, most=most, step=step)
        except ranker.ArtifactError as error:
            content["note"] = f"The lists could not be compared. {error}"
    stored, _ = ImpactReceipt.objects.get_or_create(
        version=version, defaults={"previous": previous, "content": content}
    )
    return stored
