"""What stops a run, in words its requester can act on."""


class CannotRunError(Exception):
    """The run fails for a reason its requester can mend; the message says which."""


class CannotTrainError(CannotRunError):
    """Nothing can be trained on what was asked for."""


class TooLittleDataError(CannotTrainError):
    """The catalog cannot be split into usable train, valid and test parts; the message says what is missing."""


class EncoderError(CannotTrainError):
    """The knowledge encoder that settings name cannot be loaded."""


class StoppedError(Exception):
    """The run was cancelled, or another worker took it over: stop computing and store nothing."""
