"""Whether a model is where its name says, asked once and without patience: transformers asks an unknown name again and
again, for a minute."""

from pathlib import Path

TIMEOUT = 5.0  # seconds for the hub to say whether it has a model
CONFIG, ADAPTER = "config.json", "adapter_config.json"
ELSEWHERE = "Where the hub cannot be reached, download {} elsewhere, copy its folder here, and name that folder."


class NotThereError(ValueError):
    """No model is where the name says; the message says what is there and what to do."""


def find(name: str, *, file: str = CONFIG) -> None:
    """Return where `name` is a folder that has `file`, or a model that this machine keeps or the hub has.

    Raises NotThereError, in seconds.
    """
    path = Path(name).expanduser()
    if path.exists() or name.startswith(("/", ".", "~")):
        return _in_folder(path, file)
    from huggingface_hub import (  # noqa: PLC0415 - slow to load, and only here
        HfApi,
        constants,
        errors,
        try_to_load_from_cache,
    )

    try:
        if isinstance(try_to_load_from_cache(name, file), str):
            return None
        if vars(constants)["HF_HUB_OFFLINE"]:
            raise NotThereError(
                f"There is no such folder, and HF_HUB_OFFLINE forbids to ask the hub. {ELSEWHERE.format(name)}"
            )
        HfApi().model_info(name, timeout=TIMEOUT)
    except errors.HFValidationError as error:
        raise NotThereError("There is no such folder, and no model of the hub can have this name.") from error
    except errors.GatedRepoError as error:
        raise NotThereError(f"The hub gives it only to accounts that were let in. {ELSEWHERE.format(name)}") from error
    except errors.RepositoryNotFoundError as error:
        raise NotThereError(
            "There is no such folder, and the hub has no such model that is public: is the name written right?"
        ) from error
    except NotThereError:
        raise
    except Exception as error:  # whatever hinders a request: no network, a proxy, a hub that is away
        raise NotThereError(
            f"There is no such folder, and the hub could not be asked whether it has such a model: is the name written "
            f"right? {ELSEWHERE.format(name)}"
        ) from error


def _in_folder(path: Path, file: str) -> None:
    if path.is_file():
        raise NotThereError(
            "It is a file, and no model: name a .gguf file, or the folder that has the model's config.json, tokenizer "
            "and weights."
        )
    if not path.is_dir():
        raise NotThereError("There is no such folder.")
    if not (path / file).is_file():
        raise NotThereError(f"The folder has no {file}: is it the model's own?")
