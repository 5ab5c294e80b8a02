from pathlib import Path

import pytest

from tests.transformers_server import make_model


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Llama of random weights, as a folder."""
    folder: Path = make_model(tmp_path_factory.mktemp("tiny") / "tiny-llama")
    return str(folder)
