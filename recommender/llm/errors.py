"""Why an endpoint gave no answer. Each message may be shown to people."""


class LlmError(Exception):
    """An endpoint did not give an answer."""


class TransientLlmError(LlmError):
    """Worth asking again later: a timeout, a refused connection, a 429 or 5xx.

    `retry_after` in seconds, if said. `answer`: what came instead of an answer, and may have been paid for.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, answer: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.answer = answer


class PermanentLlmError(LlmError):
    """Asking the same again cannot help: a wrong model name, key or request."""
