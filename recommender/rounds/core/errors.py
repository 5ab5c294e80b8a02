"""What can be wrong with an answer. Its message may be shown to people."""


class MalformedAnswerError(Exception):
    """An answer that the parser cannot read; the message says what is missing, in words a model can act on."""
