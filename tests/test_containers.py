"""The files that make containers, as far as they can be told without an engine that runs some."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from executions.program_version import program_version
from tests.harness.python_components import RUNTIMES
from tests.harness.topology import EXECUTOR, WEB

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SITE = ("setup", "web", "executor")
#: What the Compose Specification has a service say, as far as this file says it, and of what type.
KNOWN = {
    "build": str,
    "cap_drop": list,
    "command": list,
    "depends_on": dict,
    "environment": dict,
    "healthcheck": dict,
    "image": str,
    "init": bool,
    "ports": list,
    "read_only": bool,
    "restart": str,
    "security_opt": list,
    "shm_size": str,
    "stop_grace_period": str,
    "tmpfs": list,
    "volumes": list,
}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
SECRETS = {"DJANGO_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}
VERSION = "from executions.program_version import program_version; print(program_version())"
MAKE_SECRETS = "docker/make-secrets.sh"


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions with their arguments, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return [(name, " ".join(rest.split())) for name, rest in lines]


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_written_as_the_specification_says(name: str) -> None:
    service = SERVICES[name]

    assert {key: type(value) for key, value in service.items()} == {key: KNOWN[key] for key in service}
    assert all(isinstance(value, str) for value in service.get("environment", {}).values())
    assert all(isinstance(part, str) for part in service.get("command", ()))
    for needed, how in service.get("depends_on", {}).items():
        assert how["condition"] in CONDITIONS
        if how["condition"] == "service_healthy":
            assert "test" in SERVICES[needed]["healthcheck"]
    for volume in service.get("volumes", ()):
        assert volume.partition(":")[0] in COMPOSE["volumes"]


def test_executors_can_be_many() -> None:
    executor = SERVICES["executor"]

    assert not {"container_name", "ports"} & executor.keys()
    assert executor["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SITE)
def test_the_sites_own_processes_may_do_little(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_there_is_no_password_and_who_forgets_to_make_some_is_told_how() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    used = re.findall(r"(?<!\$)\$\{(\w+)(:[^}]*)?\}", text)

    assert {name for name, how in used if how.startswith(":?")} == SECRETS
    assert all(how == f":?is missing, run sh {MAKE_SECRETS}" for name, how in used if name in SECRETS)
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert not re.search("PASSWORD|SECRET", name) or value.startswith("${")


def test_secrets_are_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    script = shutil.copy(ROOT / MAKE_SECRETS, tmp_path / MAKE_SECRETS)

    subprocess.run(["sh", script], check=True)

    made = (tmp_path / ".env").read_text()
    values = dict(line.split("=") for line in made.splitlines())
    assert values.keys() == SECRETS
    assert len(set(values.values())) == len(SECRETS)
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in values.values())
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600

    again = subprocess.run(["sh", script], check=False, capture_output=True)
    assert again.returncode != 0
    assert (tmp_path / ".env").read_text() == made


def test_variables_are_ones_that_the_site_reads() -> None:
    known = (ROOT / "CONTRIBUTING.md").read_text()

    for name in SITE:
        for variable in SERVICES[name]["environment"]:
            assert f"`{variable}`" in known, variable


def test_the_topology_without_containers_runs_the_same_commands() -> None:
    web, executor = SERVICES["web"]["command"], SERVICES["executor"]["command"]

    assert executor == ["python", *EXECUTOR]
    assert [part for part in web if part not in {"-b", "0.0.0.0", "-p", "8000"}] == ["python", *WEB]


def test_the_image_runs_as_nobody_in_particular_and_holds_no_compiler() -> None:
    found = instructions()
    names = [name for name, _ in found]
    last = dict(found)

    assert [value.split()[0] for name, value in found if name == "FROM"] == ["python:3.11-slim"] * 2
    assert last["USER"] == "10001:10001"
    # Nothing is done as root behind it.
    assert not {"RUN", "COPY", "ADD"} & set(names[names.index("USER") :])
    assert not re.search(r"apt|gcc|build-essential|curl|wget", (ROOT / "Dockerfile").read_text())
    (pip,) = (value for name, value in found if name == "RUN" and "pip install" in value)
    assert "--require-hashes" in pip
    assert "--only-binary :all:" in pip
    assert "/healthz" in last["HEALTHCHECK"]


def test_what_the_image_holds_is_enough_to_start(tmp_path: Path) -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    left_out = shutil.ignore_patterns(*(line.removeprefix("**/") for line in lines if line.startswith("**/")))
    (tmp_path / "app").mkdir()
    for name in (line[1:] for line in lines if line.startswith("!")):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / "app" / name, ignore=left_out)
        else:
            shutil.copy(ROOT / name, tmp_path / "app" / name)

    def manage(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=tmp_path / "app",
            env={
                "OBELISK_DATA_DIR": str(tmp_path / "data"),
                "OBELISK_COMPILED_DIR": str(RUNTIMES / "compiled"),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout.strip()

    assert lines[0] == "*"
    manage("check")
    manage("migrate", "-v0")
    manage("deploy", "examples/compiled.toml")
    assert manage("shell", "-v0", "-c", VERSION) == program_version()
