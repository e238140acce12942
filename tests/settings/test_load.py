"""Loading: what is wrong is said with file, line, key and remedy; what is right cannot be changed afterwards."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.settings.complaints import key_paths
from portfolio_mm.settings.load import load
from portfolio_mm.settings.model import Settings

KEY = "0x" + "4f" * 32


def complaint(tmp_path: Path, text: str) -> str:
    """What loading this file complains about."""
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    assert caught.value.exit_code == 4
    assert "Traceback" not in str(caught.value)
    return str(caught.value)


def test_without_a_file_the_defaults_hold() -> None:
    assert load() == Settings()


def test_a_file_changes_only_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("risk:\n  max_loss_usd: 50\ncoins:\n  overrides: {ETH: {clip_usd: 99}}\n", encoding="utf-8")
    plan = load(path).plan()
    assert plan.risk.max_loss_usd == 50.0
    assert plan.coin("ETH").clip_usd == 99.0
    assert plan.coin("BTC").clip_usd == Settings().coins.clip_usd
    assert plan.quoting == Settings().plan().quoting


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("# nothing\n", encoding="utf-8")
    assert load(path) == Settings()


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("venue:\n  embedded:\n    seed: 3\n    fee_tier: vip1\n", encoding="utf-8")
    embedded = load(path, {"venue.embedded.fee_tier": "rebate3"}).venue.embedded
    assert (embedded.seed, embedded.fee_tier) == (3, "rebate3")


def test_what_the_command_line_got_wrong_is_not_blamed_on_a_line_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("coins:\n  clip_usd: 100\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(path, {"coins.clip_usd": -3.0})
    assert "coins.clip_usd is -3.0, but must be at least 10.1" in str(caught.value)
    assert f"{path}:2" not in str(caught.value)


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_key(tmp_path: Path) -> None:
    text = complaint(tmp_path, "risk:\n  max_gross_usd: 5000\n  max_los_usd: 50\n")
    assert "mine.yaml:3: risk.max_los_usd is not a key; did you mean risk.max_loss_usd?" in text


def test_a_key_in_the_wrong_section_is_shown_its_place(tmp_path: Path) -> None:
    text = complaint(tmp_path, "coins:\n  max_loss_usd: 50\n")
    assert "did you mean risk.max_loss_usd?" in text


def test_an_unknown_key_without_a_neighbour_lists_what_there_is(tmp_path: Path) -> None:
    text = complaint(tmp_path, "storage:\n  zzz: 1\n")
    assert "the keys here are folder" in text


def test_an_unknown_key_of_one_coin_is_found(tmp_path: Path) -> None:
    text = complaint(tmp_path, "coins:\n  overrides:\n    BTC:\n      clip: 20\n")
    assert "mine.yaml:4: coins.overrides.BTC.clip is not a key; did you mean coins.overrides.BTC.clip_usd?" in text


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    text = complaint(tmp_path, "risk:\n  max_loss_usd: -1\n  nope: 2\ncoins:\n  levels: 9\n")
    assert text.startswith("settings have 3 problems:")
    assert "mine.yaml:2: risk.max_loss_usd is -1, but must be above 0" in text
    assert "mine.yaml:5: coins.levels is 9, but must be at most 3" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("risk: {max_margin_fraction: 1.5}", "risk.max_margin_fraction is 1.5, but must be at most 1"),
        ("risk: {max_drawdown_fraction: 0}", "must be above 0"),
        ("coins: {max_order_usd: 5000.0}", "max_order_usd 5000 is above max_position_usd 2000"),
        ("coins: {clip_usd: 600.0}", "clip_usd 600 is above max_order_usd 500"),
        ("coins: {clip_usd: 9.0}", "must be at least 10.1"),
        ("coins: {max_position_usd: 7000.0}", "above risk.max_gross_usd 6000"),
        ("risk: {max_net_usd: 9000.0}", "max_net_usd 9000 is above max_gross_usd 6000"),
        ("risk: {warn_fraction: 0.9}", "warn_fraction 0.9 must be under reduce_fraction 0.85"),
        ("risk: {coin_reduce_s: 30.0}", "coin_reduce_s 30 must be under coin_cancel_s 15"),
        ("risk: {max_loss_usd: .nan}", "risk.max_loss_usd is nan"),
        ("risk: {max_loss_usd: lots}", "risk.max_loss_usd is 'lots': input should be a valid number"),
        ("risk: {max_loss_usd: true}", "risk.max_loss_usd is True"),
        ("risk: 5", "risk is 5"),
        ("coins: {names: BTC}", "must be a list, for example [BTC, ETH]"),
        ("coins: {names: []}", "coins.names"),
        ('coins: {names: ["xyz:"]}', "has xyz:; coins of builder-deployed dexes are `dex:COIN`"),
        ('coins: {names: ["a:b:C"]}', "a name with two colons"),
        ("coins: {names: [BTC, BTC]}", "names BTC more than once"),
        ("coins: {overrides: {ABC: {levels: 1}}}", "overrides for ABC, which `coins.names` does not list"),
        ("venue: {embedded: {fee_tier: gold}}", "must be one of 'base', 'vip1'"),
        ("venue: {url: api.example}", "is not a URL"),
        ("quoting: {adverse_horizon_s: 7.0}", "one of the measured horizons 0.5, 1, 5, 30, 60 s"),
        ("portfolio: {every_s: 20.0}", "valid_s 30 s is under twice every_s 20 s"),
        ("portfolio: {kelly_fraction: 0.9}", "must be at most 0.5"),
        ("feeds: {reconnect_min_s: 20.0}", "reconnect_min_s 20 is above reconnect_max_s 10"),
        ("portfolio: {leaders: [ABC]}", "portfolio.leaders or reference.symbols name ABC, which `coins.names`"),
        ("portfolio: {leaders: [BTC, ETH, SOL, XRP]}", "portfolio.leaders"),
        ("reference: {url: fstream.example}", "is not a base address"),
        ("reference: {symbols: {BTC: {symbol: btcusdt}}}", "reference.symbols.BTC.symbol"),
        ("reference: {lead_ms: 250}", "reference.lead_ms is 250"),
        ("actors: {permit_ms: 1000}", "under four renewals"),
        ("cluster: {address: ''}", "is empty"),
        ("- a\n- b", "holds a list, not sections"),
        ("risk: {max_loss_usd: 1\n", "must be YAML"),
        ("risk:\n  max_loss_usd: 1\n  max_loss_usd: 2\n", "was already given on line 2"),
        ("1: 2", "is not a key"),
        ("risk: &a [*a]", "risk is a list"),
        ("coins: {overrides: &a {BTC: *a}}", "is not a key"),
    ],
)
def test_impossible_settings_are_refused_in_words(text: str, words: str, tmp_path: Path) -> None:
    assert words in complaint(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        f"account: {{key_path: '{KEY}'}}",
        f"account: {{watchdog_key_path: '{KEY[2:]}'}}",
        f"account: {{address: '{KEY}'}}",
        f"account: {{private_key: '{KEY}'}}",
        f"account: {{vault: '{KEY}'}}",
        f"venue: {{url: '{KEY}'}}",
        f"risk: {{max_loss_usd: '{KEY}'}}",
        f"storage: {{folder: 5, key: '{KEY}'}}",
        f"account: ['{KEY}']",
        f"account: '{KEY}'",
    ],
)
def test_a_key_given_as_a_value_is_refused_and_never_shown(text: str, tmp_path: Path) -> None:
    said = complaint(tmp_path, text)
    assert KEY not in said
    assert KEY[2:] not in said


def test_a_real_venue_needs_an_account_and_two_keys(tmp_path: Path) -> None:
    head = "venue: {url: 'https://x.example'}\n"
    assert "account.address and account.key_path must be set" in complaint(tmp_path, head)
    address = "0x" + "a1" * 20
    one = head + f"account: {{address: '{address}', key_path: a.key}}\n"
    assert "account.watchdog_key_path must be set" in complaint(tmp_path, one)
    same = head + f"account: {{address: '{address}', key_path: a.key, watchdog_key_path: a.key}}\n"
    assert "must be another agent's key" in complaint(tmp_path, same)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="settings file"):
        load(tmp_path / name)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00risk")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(path)


def test_settings_cannot_be_changed() -> None:
    settings = load()
    with pytest.raises(ValidationError):
        settings.risk.max_loss_usd = 1.0


def said_about(overrides: dict[str, object]) -> str:
    """What loading complains about; empty when it does not."""
    try:
        load(None, overrides)
    except ConfigurationError as error:
        return str(error)
    return ""


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
sections = st.sampled_from(list(Settings.model_fields))


@settings(deadline=None)
@given(st.dictionaries(sections, junk, min_size=1, max_size=3))
def test_junk_is_either_refused_in_words_or_valid(tree: dict[str, object]) -> None:
    said = said_about(tree)
    assert not said or said.startswith("settings have")


@settings(deadline=None)
@given(st.sampled_from(list(key_paths(Settings))), junk)
def test_any_key_with_any_value_is_either_refused_in_words_or_valid(key: str, value: object) -> None:
    said = said_about({key: value})
    assert not said or key.split(".", 1)[0] in said
