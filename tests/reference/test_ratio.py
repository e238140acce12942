"""A symbol whose prices are not ours says nothing, and says why; one that came apart for a moment comes back."""

from portfolio_mm.reference.ratio import JUDGED_NS, RatioCheck, ReferenceState

S = 1_000_000_000


def test_prices_that_agree_pass_at_once() -> None:
    check = RatioCheck()
    assert check.state(0) is ReferenceState.WAITING
    assert check.passes(100.9, 100.0, S)
    assert check.state(S) is ReferenceState.OK


def test_nothing_passes_before_our_own_price_is_known() -> None:
    check = RatioCheck()
    assert not check.passes(100.0, 0.0, S)
    assert check.state(S) is ReferenceState.WAITING


def test_a_thousand_times_the_price_is_called_a_wrong_map() -> None:
    check = RatioCheck()
    assert not check.passes(100_000.0, 100.0, S)
    assert check.state(S) is ReferenceState.APART
    assert not check.passes(100_000.0, 100.0, S + JUDGED_NS)
    assert check.state(S + JUDGED_NS) is ReferenceState.WRONG
    assert check.ratio == 1000.0


def test_one_percent_apart_is_held_back_until_it_agreed_for_five_seconds() -> None:
    check = RatioCheck()
    assert check.passes(100.0, 100.0, S)
    assert not check.passes(101.1, 100.0, 2 * S)
    assert not check.passes(100.5, 100.0, 3 * S)
    assert not check.passes(98.9, 100.0, 5 * S)  # the five seconds begin anew
    assert not check.passes(100.5, 100.0, 6 * S)
    assert not check.passes(100.5, 100.0, 6 * S + JUDGED_NS - 1)
    assert check.passes(100.5, 100.0, 6 * S + JUDGED_NS)
    assert check.state(20 * S) is ReferenceState.OK
