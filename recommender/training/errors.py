"""What stops a training run, in words its requester can act on."""


class TooLittleDataError(Exception):
    """The catalog cannot be split into usable train, valid and test parts; the message says what is missing."""


class StoppedError(Exception):
    """The run was cancelled, or another worker took it over: stop computing and store nothing."""
