"""Bad input: a message that names the thing and the remedy, the documented code, nothing running, nothing lost."""

import json
import random
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import zstandard

from portfolio_mm.actors.run_folder import RUN_LOCK, START_LOCK, RunFolder
from tests.cli.command import assert_nothing_happened, run, settings

FRAME = {"channel": "bbo", "data": {"coin": "BTC", "time": 1, "bbo": [None, None]}}
LINE = json.dumps({"recv_us": 1, "msg": FRAME})


def tape(folder: Path, lines: Sequence[str], cut: int | None = None) -> Path:
    path = folder / "ws.jsonl.zst"
    path.write_bytes(zstandard.compress("".join(f"{line}\n" for line in lines).encode())[:cut])
    return path


@pytest.fixture
def taken() -> Iterator[int]:
    """A port somebody listens on."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield int(holder.getsockname()[1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("quotingg: {}\n", ["trade.yaml:1", "quotingg", "did you mean quoting"]),
        ("risk: {max_los_usd: 5}\n", ["max_los_usd", "did you mean", "max_loss_usd"]),
        ("risk: {max_loss_usd: -5}\n", ["risk.max_loss_usd", "-5", "must be above 0"]),
        ("risk: {max_margin_fraction: 1.5}\n", ["max_margin_fraction", "1.5", "1"]),
        ("coins: {max_order_usd: 9000}\n", ["max_order_usd", "9000", "max_position_usd", "2000"]),
        ("coins: {max_position_usd: 1000000000}\n", ["max_position_usd", "1e+09", "risk.max_gross_usd"]),
        ("coins: {clip_usd: 5}\n", ["coins.clip_usd", "5", "10"]),
        ("coins: {names: []}\n", ["coins.names"]),
        ("a: [\n", ["trade.yaml", "YAML"]),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, folder: Path, text: str, words: list[str]) -> None:
    code, said = run("start", "--config", settings(tmp_path, text), "--state-folder", folder)
    assert code == 4
    assert [word for word in words if word not in said] == [], said
    assert not folder.exists()


def test_a_missing_settings_file(tmp_path: Path, folder: Path) -> None:
    code, said = run("start", "--config", tmp_path / "no.yaml", "--state-folder", folder)
    assert code == 4
    assert "no.yaml does not exist" in said
    assert "config/default.yaml" in said
    assert not folder.exists()


@pytest.mark.parametrize("arguments", [["start", "--for", "soon"], ["venue", "--fee-tier", "gold"]])
def test_wrong_values_of_options(folder: Path, arguments: list[str]) -> None:
    place: list[str | Path] = ["--state-folder", folder] if arguments[0] == "start" else []
    code, said = run(*arguments, *place)
    assert code == 4
    assert arguments[-1] in said
    assert not folder.exists()


@pytest.mark.parametrize("arguments", [["venue", "--port", "x"], ["begin"], ["start", "--colour"]])
def test_wrong_usage_ends_with_64(arguments: list[str]) -> None:
    assert run(*arguments)[0] == 64


def test_a_report_into_a_folder_that_is_not_there(tmp_path: Path, folder: Path) -> None:
    code, said = run("start", "--json", tmp_path / "no" / "out.json", "--state-folder", folder)
    assert code == 4
    assert f"{tmp_path / 'no'} does not exist" in said
    assert not folder.exists()


def test_a_state_folder_that_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("mine")
    code, said = run("start", "--state-folder", path)
    assert code == 4
    assert str(path) in said
    assert "--state-folder" in said
    assert path.read_text() == "mine"


def test_a_missing_tape(tmp_path: Path, folder: Path) -> None:
    code, said = run("start", "--tape", tmp_path / "none.zst", "--state-folder", folder)
    assert code == 4
    assert f"{tmp_path / 'none.zst'}: No such file" in said
    assert "ws.jsonl.zst" in said
    assert_nothing_happened(folder, str(tmp_path / "none.zst"))


@pytest.mark.parametrize("broken", ['{"recv_us": 2, "msg": {', '{"recv_us": "soon", "msg": {}}', "\xff not json"])
def test_a_tape_with_a_broken_line_names_it(tmp_path: Path, folder: Path, broken: str) -> None:
    path = tape(tmp_path, [LINE, broken])
    code, said = run("start", "--tape", path, "--coins", "BTC", "--state-folder", folder)
    assert code == 4
    assert f"{path}, line 2" in said
    assert_nothing_happened(folder, str(path))


def test_a_tape_cut_short(tmp_path: Path, folder: Path) -> None:
    source = random.Random(1)
    lines = [json.dumps({"recv_us": n, "msg": FRAME, "x": source.random()}) for n in range(20_000)]
    path = tape(tmp_path, lines, cut=90_000)
    code, said = run("start", "--tape", path, "--coins", "BTC", "--state-folder", folder)
    assert code == 4
    assert str(path) in said
    assert "cut short; copy it again" in said
    assert_nothing_happened(folder, str(path))


def test_a_tape_that_is_no_zstd(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "ws.jsonl.zst"
    path.write_bytes(LINE.encode())
    code, said = run("start", "--tape", path, "--coins", "BTC", "--state-folder", folder)
    assert code == 4
    assert f"{path}: damaged zstd" in said
    assert_nothing_happened(folder, str(path))


@pytest.mark.parametrize(("coins", "near"), [("BTC,ETHH", "ETH"), ("btc", "BTC"), ("DOGEE", "DOGE")])
def test_an_unknown_coin_is_told_its_neighbours(folder: Path, coins: str, near: str) -> None:
    code, said = run("start", "--coins", coins, "--state-folder", folder, seed=818181)
    assert code == 4
    assert f" {coins.rpartition(',')[2]};" in said
    assert f"did you mean {near}" in said
    assert_nothing_happened(folder, "--seed 818181")


def test_a_refused_start_leaves_nothing_running(folder: Path) -> None:
    code, said = run("start", "--coins", "NOSUCHCOIN", "--state-folder", folder, seed=828282)
    assert code == 4
    assert "NOSUCHCOIN" in said
    assert "Ray" not in said, "what the venue refuses is said before a cluster is started"
    assert_nothing_happened(folder, "--seed 828282")


@pytest.mark.parametrize("key", ["actors.console_port", "actors.relay_port", "venue.embedded.port"])
def test_a_taken_port_is_named_with_its_key(tmp_path: Path, folder: Path, taken: int, key: str) -> None:
    *sections, last = key.split(".")
    text = f"{last}: {taken}"
    for section in reversed(sections):
        text = f"{section}: {{{text}}}"
    code, said = run("start", "--config", settings(tmp_path, text), "--state-folder", folder)
    assert code == 4
    assert f"{key} is {taken}" in said
    assert "choose another port" in said
    assert_nothing_happened(folder)


def test_a_taken_port_of_the_venue_alone(taken: int) -> None:
    code, said = run("venue", "--port", str(taken))
    assert code == 4
    assert str(taken) in said
    assert "choose another port" in said


@pytest.mark.parametrize("content", [b"not a database, but somebody's only copy" * 50, b"", b"SQLite format 3\x00"])
def test_a_damaged_state_file_is_named_and_left_alone(folder: Path, content: bytes) -> None:
    folder.mkdir(mode=0o700)
    path = folder / "state.db"
    path.write_bytes(content)
    path.chmod(0o600)
    for command in ("start", "resume"):
        code, said = run(command, "--state-folder", folder)
        assert code == 6, said
        assert str(path) in said
        assert "backup" in said
    code, said = run("kill", "--state-folder", folder)
    assert code == 6
    assert "NOT latched" in said
    assert run("doctor", "--state-folder", folder)[0] == 1
    assert path.read_bytes() == content
    assert_nothing_happened(folder)


@pytest.mark.parametrize("content", ["{", "[1, 2]", '{"cluster": 7, "venue_pid": "x"}', "\x00"])
def test_a_damaged_run_json_is_named_and_left_alone(folder: Path, content: str) -> None:
    place = RunFolder(folder)
    place.create()
    place.run_json.write_text(content)
    code, said = run("start", "--state-folder", folder)
    assert code == 6, said
    assert f"{place.run_json} is damaged" in said
    assert "move it away" in said
    assert place.run_json.read_text() == content
    assert_nothing_happened(folder)


@pytest.mark.parametrize("lock", [START_LOCK, RUN_LOCK])
def test_a_second_start_on_the_same_folder(folder: Path, lock: str) -> None:
    place = RunFolder(folder)
    place.create()
    place.announce({"run": 1})
    held = place.lock(lock)
    held.take()
    try:
        code, said = run("start", "--state-folder", folder)
    finally:
        held.release()
    assert code == 5
    assert str(folder) in said
    assert "stop" in said
    assert place.facts() == {"run": 1}
    assert_nothing_happened(folder)


def test_nothing_runs(folder: Path) -> None:
    for command in ("status", "stop", "flatten"):
        code, said = run(command, "--state-folder", folder)
        assert code == 7
        assert str(folder) in said
    assert not folder.exists()


def test_a_kill_without_a_run_is_latched_until_a_person_resumes(folder: Path) -> None:
    place: list[str | Path] = ["--state-folder", folder]
    assert run("kill", "--reason", "a drill", *place)[0] == 0
    code, said = run("start", *place)
    assert code == 3
    assert "a drill" in said
    assert "portfolio-mm resume" in said
    assert_nothing_happened(folder)
    code, said = run("doctor", *place)
    assert code == 1
    assert "a drill" in said
    assert run("resume", *place)[0] == 0
    assert run("doctor", *place)[0] == 0
    assert "was not latched" in run("resume", *place)[1]
