"""What lies in deploy/ as far as it can be held to something without systemd or Docker running."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import doctor
from pipeline.settings import variables

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
PREFIX = "/opt/token-growth"


@pytest.mark.parametrize("script", ["as-service", "setup", "up"])
def test_a_script_can_be_run_and_needs_nothing_but_bash(script: str) -> None:
    path = DEPLOY / script
    assert path.stat().st_mode & 0o111
    assert path.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
    assert subprocess.run(["bash", "-n", str(path)], capture_output=True).stderr == b""


def test_what_is_deployed_is_what_doctor_looks_for() -> None:
    deployed = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    assert {one["name"] for one in deployed} == doctor.DEPLOYMENTS
    assert all(one["tags"] == [doctor.TAG] and one["work_pool"]["name"] == doctor.POOL for one in deployed)


def test_setup_says_what_it_needs() -> None:
    ended = subprocess.run([str(DEPLOY / "setup")], capture_output=True, text=True)
    assert ended.returncode != 0
    assert "PREFECT_API_URL: names the API of the Prefect server" in ended.stderr


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if not verify:
        pytest.skip("systemd-analyze is not installed")
    (tmp_path / "deploy").symlink_to(DEPLOY)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    copies = [tmp_path / path.name for path in UNITS]
    for path, copy in zip(UNITS, copies, strict=True):
        copy.write_text(path.read_text(encoding="utf-8").replace(PREFIX, str(tmp_path)), encoding="utf-8")
    verified = subprocess.run([verify, "verify", *map(str, copies)], capture_output=True, text=True)
    # A key that it does not know is a warning, and no error.
    assert (verified.stderr, verified.returncode) == ("", 0)


def test_a_command_as_the_service_has_user_folder_and_environment_of_the_worker(tmp_path: Path) -> None:
    (tmp_path / "systemd-run").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    (tmp_path / "systemd-run").chmod(0o755)
    words = [str(DEPLOY / "as-service"), "tokengrowth", "doctor"]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    asked = subprocess.run(words, capture_output=True, text=True, env=environment, check=True).stdout.splitlines()
    assert asked[-3:] == ["/usr/bin/env", "tokengrowth", "doctor"]
    worker = (DEPLOY / "systemd" / "token-growth-worker.service").read_text(encoding="utf-8")
    found = {line.removeprefix("--property=").replace(str(ROOT), PREFIX) for line in asked}
    found |= {f"User={line.removeprefix('--uid=')}" for line in asked}
    wanted = {line for line in worker.splitlines() if line.startswith(("User=", "WorkingDir", "Environment"))}
    assert len(wanted) == 4
    assert wanted <= found


def test_compose_understands_its_file() -> None:
    words = ["--env-file", str(DEPLOY / "token-growth.env.example"), "--file", str(DEPLOY / "compose.yaml"), "config"]
    tools = [["docker", "compose"], ["docker-compose"]]
    for tool in tools:
        if shutil.which(tool[0]) and subprocess.run([*tool, "version"], capture_output=True).returncode == 0:
            break
    else:
        pytest.skip("Docker Compose is not installed")
    refused = subprocess.run([*tool, *words], capture_output=True, text=True)
    assert refused.returncode != 0
    assert "is a line of deploy/token-growth.env" in refused.stderr
    asked = {"PATH": str(Path(shutil.which(tool[0]) or "").parent), "POSTGRES_PASSWORD": "secret"}
    accepted = subprocess.run([*tool, *words[2:]], capture_output=True, text=True, env=asked)
    assert accepted.returncode == 0, accepted.stderr


def test_containers_have_what_they_name_and_no_secret() -> None:
    services: dict[str, dict[str, Any]] = COMPOSE["services"]
    assert list(services) == ["database", "server", "setup", "worker"]
    own = {name: service for name, service in services.items() if name != "database"}
    for service in own.values():
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).samefile(DEPLOY / "Dockerfile")
        assert service["command"][0] in ("prefect", "deploy/setup")
    mounted = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert mounted == set(COMPOSE["volumes"])
    assert {needed for service in services.values() for needed in service.get("depends_on", {})} < set(services)
    for service in services.values():
        for name, value in service["environment"].items():
            assert not re.search("KEY|PASSWORD|WEBHOOK|DATABASE_CONNECTION", name) or "${" in value, name
            assert not name.startswith("TOKENGROWTH_") or name in {known for known, *_ in variables()}
    # Only the worker is given the key, and only the server the password of its database.
    assert {name for name, one in own.items() if "OPENROUTER_API_KEY" in one["environment"]} == {"worker"}
    assert {name for name, one in own.items() if "POSTGRES_PASSWORD" in str(one)} == {"server"}


def test_the_image_holds_all_that_a_run_and_the_setup_need(tmp_path: Path) -> None:
    allowed = re.findall(r"^!(.*)$", (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    copied = [word for line in re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()]
    assert sorted(copied) == sorted(allowed)
    for name in copied:
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(ROOT / name)
    deployed = yaml.safe_load((tmp_path / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    assert all((tmp_path / one["entrypoint"].partition(":")[0]).exists() for one in deployed)
    loaded = (
        "import flows.automations, flows.daily; from pipeline import models; print(len(models.load(models.sql_dir())))"
    )
    done = subprocess.run([sys.executable, "-c", loaded], cwd=tmp_path, capture_output=True, text=True)
    assert int(done.stdout) > 100, done.stderr


def test_the_environment_of_the_services_names_settings() -> None:
    lines = (DEPLOY / "systemd" / "environment").read_text(encoding="utf-8").splitlines()
    names = {line.partition("=")[0] for line in lines if not line.startswith("#")}
    assert {name for name in names if name.startswith("TOKENGROWTH_")} <= {known for known, *_ in variables()}


def test_the_example_of_an_environment_names_settings_and_holds_none() -> None:
    lines = (DEPLOY / "token-growth.env.example").read_text(encoding="utf-8").splitlines()
    names = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(names.values()) == {""}
    assert set(names) - {"POSTGRES_PASSWORD"} <= {known for known, *_ in variables()}
