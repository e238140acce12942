"""Benches on which something of everything has happened: what the conformance test reads and hears."""

from typing import Any

import msgspec

from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.venue.faults.deployers import halt
from portfolio_mm.venue.info import reads
from portfolio_mm.venue.listing import USDC
from portfolio_mm.venue.protocol.account_actions import CreateSubAccount, CreateVault, RegisterReferrer, SetReferrer
from portfolio_mm.venue.protocol.actions import AgentSendAsset, UsdClassTransfer
from portfolio_mm.venue.protocol.builders import ApproveBuilderFee
from portfolio_mm.venue.protocol.payments import SpotSend, UsdSend, Withdraw
from portfolio_mm.venue.protocol.twaps import TwapOrder, TwapWire
from tests.venue.bench_chain import DEXES, START_MS, Bench, leg
from tests.venue.still_flow import BTC

CLOID = "0x" + "ab" * 16
STRANGER = "0x" + "9" * 40
CHAIN = "0x66eee"
HOUR_MS = 3_600_000


def populated(mode: str = "standard") -> Bench:
    """Positions on both sides, resting orders of every kind, funding, candles, ledger rows, strangers."""
    bench = Bench(mode=mode, prior_volume_usd=200_000.5, dexes=DEXES)
    if mode == "standard":
        bench.do(AgentSendAsset(bench.alice.address, "", "xyz", USDC, "500.5", "", START_MS))
    for side, px in ((BUY, 99_900), (SELL, 100_100)):
        bench.flow.rest(BTC, side, BTC.ticks(px), BTC.lots(5.0))
    bench.place(leg("BTC", "B", "100010", "0.02", "Ioc", cloid=CLOID), leg("ETH", "A", "3990", "0.2", "Ioc"))
    bench.place(leg("BTC", "B", "99990", "0.015", cloid=CLOID), leg("ETH", "B", "3900", "0.1", reduce_only=True))
    bench.place(leg("BTC", "A", "100005", "0.01", "Gtc"), leg("WLFI", "B", "0.199", "100", "Ioc"))
    bench.place(leg("BTC", "A", "99000", "0.01"), leg("BTC", "A", "99999", "0.005", "FrontendMarket"))
    bench.place(leg("BTC", "A", "99990", "0.005", "Ioc"), user=bench.bob)
    bench.do(ApproveBuilderFee(CHAIN, "Testnet", "0.001%", bench.bob.address, START_MS))
    bench.do(TwapOrder(TwapWire(a=0, b=True, s="0.011", r=False, m=5, t=False)))
    bench.place(leg("xyz:TSLA", "B", "400.05", "2.5", "Ioc"), leg("xyz:TSLA", "B", "399.9", "0.15"))
    bench.flow.mark(BTC, 100_123.4)
    bench.block(after_ms=HOUR_MS)
    bench.cancel("BTC", next(iter(bench.alice.open)))
    bench.state.incoming.append((bench.alice, 12_345_678))
    bench.block(after_ms=9 * HOUR_MS)
    halt(bench.state, "xyz:GOLD")
    if mode == "standard":
        _move_money(bench)
    return bench


def _move_money(bench: Bench) -> None:
    alice, bob = bench.alice.address, bench.bob.address
    bench.do(UsdClassTransfer(CHAIN, "Testnet", "100.5", False, START_MS))  # noqa: FBT003 - to_perp
    bench.do(UsdSend(CHAIN, "Testnet", bob, "10.25", START_MS))
    bench.do(SpotSend(CHAIN, "Testnet", bob, USDC, "1.125", START_MS))
    bench.do(Withdraw(CHAIN, "Testnet", alice, "5", START_MS))
    bench.do(CreateSubAccount("desk"))
    bench.do(CreateVault("pool", "of the test", 150_000_000, START_MS))
    bench.do(RegisterReferrer("ALICE"))
    bench.do(SetReferrer("ALICE"), user=bench.bob)


def asked(bench: Bench, **request: Any) -> Any:
    """An answer as it comes off the wire."""
    return msgspec.json.decode(msgspec.json.encode(reads.answer(bench.state, request)))
