"""A typed client of R4Web's REST API, sync and async."""

from r4web_client import answers, asked
from r4web_client.asynchronous import AsyncClient
from r4web_client.batches import LinesReport, PartlySentError, Report
from r4web_client.client import Client
from r4web_client.errors import (
    ChangedError,
    ConflictError,
    GoneError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
    ProblemError,
    R4WebError,
    ServerError,
    TokenRefusedError,
    TooManyRequestsError,
    UnavailableError,
    UnderWayError,
    UnreachedError,
)
from r4web_client.retries import NEVER, Retries

__all__ = [
    "NEVER",
    "AsyncClient",
    "ChangedError",
    "Client",
    "ConflictError",
    "GoneError",
    "InvalidError",
    "LinesReport",
    "NotAllowedError",
    "NotFoundError",
    "PartlySentError",
    "ProblemError",
    "R4WebError",
    "Report",
    "Retries",
    "ServerError",
    "TokenRefusedError",
    "TooManyRequestsError",
    "UnavailableError",
    "UnderWayError",
    "UnreachedError",
    "answers",
    "asked",
]
