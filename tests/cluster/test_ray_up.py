"""`ray up` against sshd on loopback, `portfolio-mm start` joins that cluster, `ray down` leaves no order."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
NEEDED = ("unshare", "ip", "rsync", "ssh", "ssh-keygen")


def missing() -> str:
    if os.geteuid() != 0:
        return "needs root, to make namespaces of its own"
    absent = [program for program in NEEDED if shutil.which(program) is None]
    if not Path("/usr/sbin/sshd").exists():
        absent.append("sshd")
    if absent:
        return f"needs {', '.join(absent)} (scripts/setup dev installs them as root)"
    probe = subprocess.run(
        ["unshare", "-m", "-p", "-n", "-f", "--mount-proc", "true"], capture_output=True, check=False
    )
    return "" if probe.returncode == 0 else "this kernel or container allows no namespaces"


@pytest.mark.ray
@pytest.mark.timeout(400)
def test_ray_up_start_ray_down(tmp_path: Path) -> None:
    reason = missing()
    if reason:
        pytest.skip(reason)
    script = str(PROJECT / "tests" / "cluster" / "up_and_down.sh")
    inside = [
        "unshare",
        "-m",
        "-p",
        "-n",
        "-f",
        "--kill-child",
        "--mount-proc",
        "bash",
        script,
        str(PROJECT),
        str(tmp_path),
    ]
    log = tmp_path / "log"
    with log.open("wb") as file:
        done = subprocess.run(inside, stdout=file, stderr=subprocess.STDOUT, timeout=360, check=False)
    assert done.returncode == 0, log.read_text()[-4000:]
    result = json.loads((tmp_path / "result.json").read_text())
    names = {name for name, state in result["actors"] if state == "ALIVE"}
    assert {"coin:BTC", "coin:ETH", "portfolio", "risk", "relay", "console"} <= names
    assert any(name.startswith("gateway") for name in names)
    assert any(side["px"] for coin in result["status"]["coins"] for side in coin["sides"])
    assert result["left"] == []
