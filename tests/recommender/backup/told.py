"""What must be the same in a restored installation: lists, texts, decisions, who may sign in, and the files."""

import hashlib
import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Model

from recommender.models import Account, EndUser, Interaction, Knowledge, RecoveryCode, Round, SecondFactor, Turn
from recommender.serving.recommend import preview
from reviews.models import Decision

TABLES: tuple[type[Model], ...] = (Account, SecondFactor, RecoveryCode, Interaction, Round, Turn, Knowledge, Decision)


def told() -> dict[str, Any]:
    lists = {
        end_user.external_id: [(item.item_id, item.score) for item in preview(end_user, limit=5).items]
        for end_user in EndUser.objects.select_related("catalog").order_by("pk")[:2]
    }
    rows = {model.__name__: list(model._default_manager.order_by("pk").values()) for model in TABLES}
    files = {
        str(path.relative_to(settings.VAR_DIR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((Path(settings.VAR_DIR) / "backbones").rglob("*"))
        if path.is_file()
    }
    return dict(json.loads(json.dumps({"lists": lists, "rows": rows, "files": files}, default=str)))
