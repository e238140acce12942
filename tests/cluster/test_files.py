"""The cluster files pass Ray's own validation, and Ray's validation is really looking."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

FILES = sorted((Path(__file__).parents[2] / "cluster").glob("*.yaml"))


def config(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def complaint(described: dict[str, Any]) -> str:
    """What Ray's validation says; empty when it accepts.

    In a process of its own: Ray reads its token once, when it is imported, and other tests bring their own.
    """
    program = (
        "import json, sys\n"
        "from ray.autoscaler._private.util import prepare_config, validate_config\n"
        "validate_config(prepare_config(json.load(sys.stdin)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(described), capture_output=True, text=True, check=False
    )
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_ray_accepts(path: Path) -> None:
    assert complaint(config(path)) == ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_ray_refuses_a_misspelt_key(path: Path) -> None:
    assert "head_start_ray_comands" in complaint(config(path) | {"head_start_ray_comands": []})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_key_is_copied_and_the_token_is_required(path: Path) -> None:
    text = path.read_text()
    assert set(config(path)["file_mounts"]) == {"~/portfolio_mm"}
    starts = [line for line in config(path)["head_start_ray_commands"] if "ray start" in line]
    assert all(".portfolio_mm.env" in line for line in starts)
    assert "--dashboard-host=127.0.0.1" in text


def test_there_is_one_for_own_machines_and_one_for_a_cloud() -> None:
    assert {path.name for path in FILES} >= {"onprem.yaml", "aws.yaml"}
