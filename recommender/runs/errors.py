"""What stops a training run, in words its requester can act on."""


class CannotTrainError(Exception):
    """The run fails for a reason its requester can mend; the message says which."""


class TooLittleDataError(CannotTrainError):
    """The catalog cannot be split into usable train, valid and test parts; the message says what is missing."""


class EncoderError(CannotTrainError):
    """The knowledge encoder that settings name cannot be loaded."""


class StoppedError(Exception):
    """The run was cancelled, or another worker took it over: stop computing and store nothing."""
