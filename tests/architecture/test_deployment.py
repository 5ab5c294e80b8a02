"""docker-compose.yml, Dockerfile and .env.example, checked without a container engine."""

import re
from importlib.util import find_spec
from typing import Any

import pytest
import yaml

from r4web import checks
from tests.architecture.repository import ROOT
from tests.architecture.test_documents import settings_read

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("r4web:")}
SECRET = re.compile(r"PASSWORD|SECRET|API_KEY|TOKEN")
# Names in compose that are not settings of the application.
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "R4_IMAGE_TAG", "R4_WEB_PORT", "R4_API_PORTS", "R4_VLLM_TAG",
                "R4_VLLM_GPUS", "R4_VLLM_MEMORY", "R4_WITH_E5"}  # fmt: skip


def test_the_full_deployment_is_described() -> None:
    assert set(SERVICES) == {
        "web", "api", "worker-llm", "worker-training", "beat", "migrate", "postgres", "redis",
        "llama", "vllm-actor", "vllm-reflector",
    }  # fmt: skip
    assert SERVICES["llama"]["profiles"] == ["llama"]
    assert SERVICES["llama"]["command"][:3] == ["python", "-m", "worker.llama"]
    assert all(SERVICES[name]["profiles"] == ["gpu"] for name in ("vllm-actor", "vllm-reflector"))


def test_every_lasting_service_has_a_health_check() -> None:
    assert [name for name, service in SERVICES.items() if "healthcheck" not in service] == ["migrate"]
    assert SERVICES["migrate"]["restart"] == "no"


def test_one_image_runs_all_of_ours_without_root() -> None:
    assert len({service["image"] for service in OURS.values()}) == 1
    assert {service["user"] for service in OURS.values()} == {"r4web"}
    assert re.search(r"^USER r4web$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert all(service["cap_drop"] == ["ALL"] and service["read_only"] for service in OURS.values())


def test_ours_start_after_the_migrations() -> None:
    for name, service in OURS.items():
        waits = service["depends_on"]
        if name == "migrate":
            assert waits == {"postgres": {"condition": "service_healthy"}}
        else:
            assert waits["migrate"]["condition"] == "service_completed_successfully"
            assert waits["redis"]["condition"] == "service_healthy"


def test_data_lives_in_named_volumes() -> None:
    used = {mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_no_secret_has_a_value_or_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name, operator, default in re.findall(r"\$\{(\w+)(:?[-?]?)([^}]*)\}", text):
        if SECRET.search(name):  # what may be left out is empty then
            assert operator == ":?" or (operator, default) == (":-", ""), f"{name} must be given by the operator"
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if SECRET.search(name):
                assert re.fullmatch(r"\$\{\w+:(?:\?[^}]+|-)\}", str(value)), name
    example = (ROOT / ".env.example").read_text()
    assert [
        name for name, value in re.findall(r"^#?(\w+)=(.*)$", example, re.MULTILINE) if SECRET.search(name) and value
    ] == []
    assert "/.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_example_names_what_compose_asks_for_and_nothing_else() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    named = set(re.findall(r"^#?([A-Z]\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    required = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    assert required <= named <= asked


def test_settings_in_compose_are_settings_of_the_application() -> None:
    known = settings_read() | checks.READ_ELSEWHERE
    for service in OURS.values():
        assert set(service["environment"]) <= known
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert asked - COMPOSE_ONLY <= known


@pytest.mark.parametrize("name", sorted(OURS))
def test_commands_of_our_services_exist(name: str) -> None:
    program, *arguments = OURS[name]["command"]
    assert program == "python"
    if arguments[0] == "-m":
        assert find_spec(arguments[1]) is not None
    else:
        assert (ROOT / arguments[0]).is_file()


def test_the_image_holds_every_package_of_the_application_and_its_lock() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    for name in (
        "r4web",
        "recommender",
        "reviews",
        "worker",
        "templates",
        "static",
        "manage.py",
        "requirements/ml.lock",
        "requirements/llm.lock",
        "requirements/e5.lock",
    ):
        assert re.search(rf"^COPY {re.escape(name)} ", dockerfile, re.MULTILINE), name
        assert f"!{name}" in ignore, name
    assert "--require-hashes" in dockerfile
    assert "R4_TORCH_INDEX" in dockerfile
