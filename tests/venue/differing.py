"""Where the local venue's shape rightly differs from a recording: type, path, beginning of the words, the reason."""

from typing import Final

OLDER: Final = "the recordings are older than the field; HL has it from 2026"
FIXTURE: Final = "the sample is a fixture written for a test, with other fields or digits than the wire has (HL)"
GONE: Final = "a field of 2023 or 2024 that the venue no longer sends"
NOT_HERE: Final = "no account here has one"
DIGITS: Final = "digits depend on coin and amount; recorded amounts were round, HL shows as many"
OPTIONAL: Final = "an optional field that no recorded row happened to have (HL)"
LONGER: Final = "ours has"
EDITED: Final = "edited by hand by the one who recorded it: sizes and names that the venue does not write"
PARTIAL: Final = "the sample leaves out what every other answer of its kind has"
NUMBER: Final = "recorded as other number"

Difference = tuple[str, str, str]
RIGHT: Final[dict[Difference, str]] = {
    **{
        (kind, f"{path}.universe[].{field}", "ours, never recorded"): "recorded in metaAndAssetCtxs of a dex"
        for kind, path in (("meta", ""), ("allPerpMetas", "[]"))
        for field in ("marginMode", "growthMode", "lastGrowthModeChangeTime")
    },
    ("allPerpMetas", "[].universe[].marginTableId", "ours, never recorded"): FIXTURE,
    ("allPerpMetas", "[].collateralToken", "ours, never recorded"): FIXTURE,
    **{
        (kind, f"{path}.tokens[].{field}", "recorded as"): "tokens here are no contracts and have no long names"
        for kind, path in (("spotMeta", ""), ("spotMetaAndAssetCtxs", "[]"))
        for field in ("evmContract", "fullName")
    },
    ("spotMetaAndAssetCtxs", "[][].prevDayPx", "recorded as other number"): FIXTURE,
    ("spotMetaAndAssetCtxs", "[][].midPx", "recorded as decimal"): "the one pair here has no book",
    ("activeAssetData", ".leverage.rawUsd", "ours, never recorded"): "of isolated margin alone (HL §1.16)",
    ("perpDexs", "[].oracleUpdater", "recorded as address"): "recorded null and set; the deployer sets the oracle here",
    ("perpDexs", "[].feeRecipient", "recorded as null"): "recorded null and set; the deployer has the fees here",
    ("predictedFundings", "[][][][]", "ours is null"): "nothing is known here of other venues (HL §1.15: null)",
    ("predictedFundings", "[][][][].fundingIntervalHours", "ours, never recorded"): OPTIONAL,
    ("clearinghouseState", ".assetPositions[].position.leverage.rawUsd", "recorded, ours lacks it"): NOT_HERE,
    ("clearinghouseState", ".assetPositions[].position.maxTradeSzs", "recorded, ours lacks it"): GONE,
    ("spotClearinghouseState", ".tokenToAvailableAfterMaintenance", "ours, never recorded"): OPTIONAL,
    ("openOrders", "[].reduceOnly", "ours, never recorded"): OPTIONAL,
    ("openOrders", "[].cloid", "ours, never recorded"): OPTIONAL,
    ("frontendOpenOrders", "[].tif", "recorded as null"): "trigger orders alone have none",
    ("historicalOrders", "[].order.cloid", "ours is hex"): OPTIONAL,
    ("orderStatus", ".order.order.cloid", "ours is hex"): OPTIONAL,
    ("userFills", "[].fee", LONGER): DIGITS,
    ("userFillsByTime", "[].fee", LONGER): DIGITS,
    **{(kind, "[].twapId", "ours is whole"): OPTIONAL for kind in ("userFills", "userFillsByTime")},
    **{
        (kind, f"[].fill{path}", words): reason
        for kind in ("userTwapSliceFills", "userTwapSliceFillsByTime")
        for path, words, reason in ((".fee", LONGER, DIGITS), (".twapId", "ours, never recorded", OLDER))
    },
    ("twapHistory", "[].state.executedSz", LONGER): DIGITS,
    ("twapHistory", "[].state.sz", LONGER): DIGITS,
    ("twapHistory", "[].state.executedNtl", LONGER): DIGITS,
    ("userFills", "[].builderFee", "recorded, ours lacks it"): NOT_HERE,
    ("userFillsByTime", "[].builderFee", "recorded, ours lacks it"): NOT_HERE,
    ("userFills", "[].cloid", "ours, never recorded"): OPTIONAL,
    ("userFillsByTime", "[].cloid", "ours, never recorded"): OPTIONAL,
    ("userFills", "[].twapId", "ours, never recorded"): OLDER,
    (
        "userFills",
        "[]",
        "recorded in the order closedPnl",
    ): "keys were sorted until 2024; the rows of 2026 are not (HL §1.12)",
    ("userFees", ".feeSchedule.add", LONGER): FIXTURE,
    ("userFees", ".userAddRate", LONGER): FIXTURE,
    ("userFees", ".feeSchedule.referralDiscount", LONGER): FIXTURE,
    ("userFees", ".feeSchedule.stakingDiscount", "recorded, ours lacks it"): FIXTURE,
    ("userFees", ".feeSchedule.stakingDiscountTiers", "ours, never recorded"): FIXTURE,
    **{
        ("userFees", f".{field}", words): "the sample follows the documentation; replies of 2026 say feeTrialEscrow"
        for field, words in (
            ("feeTrialReward", "recorded, ours lacks it"),
            ("feeTrialEscrow", "ours, never recorded"),
        )
    },
    ("userFees", ".stakingLink", "recorded as object"): NOT_HERE,
    ("userFees", ".stakingLink", "ours is null"): NOT_HERE,
    ("extraAgents", "[].address", "recorded as text"): FIXTURE,
    ("subAccounts", "(top)", "recorded as list"): NOT_HERE,
    ("subAccounts", "(top)", "ours is null"): "documented for an account without (HL §1.17)",
    ("userDexAbstraction", "(top)", "ours is null"): "documented for an account that never chose (HL §1.17)",
    ("userFunding", "[].delta.nSamples", "recorded as whole"): "of the time before hourly funding (HL §1.15)",
    ("userNonFundingLedgerUpdates", "[].hash", "recorded as other number"): FIXTURE,
    ("userNonFundingLedgerUpdates", "[].delta.amount", LONGER): DIGITS,
    ("userNonFundingLedgerUpdates", "[].delta.usdcValue", LONGER): DIGITS,
    ("userNonFundingLedgerUpdates", "[].delta.nonce", ""): "null in a sample of 2025, a number since (HL §2.8)",
    ("fundingHistory", "[].premium", LONGER): OLDER,
    ("tokenDetails", ".genesis", "recorded as list"): NOT_HERE,
    ("tokenDetails", ".deployer", "recorded as address"): NOT_HERE,
    ("tokenDetails", ".deployGas", "recorded as decimal"): NOT_HERE,
    ("tokenDetails", ".deployTime", "recorded as other number"): NOT_HERE,
    ("fundingHistory", "[].premium", NUMBER): EDITED,
    ("l2Book", ".levels[][].px", NUMBER): EDITED,
    ("recentTrades", "[].sz", NUMBER): EDITED,
    ("recentTrades", "[].users[]", "recorded as text"): EDITED,
    ("recentTrades", "[]", "recorded in the order"): EDITED,
    ("spotClearinghouseState", ".balances[].total", ""): EDITED,
    ("spotClearinghouseState", ".balances[].hold", NUMBER): EDITED,
    ("meta", ".universe[].isDelisted", "recorded as null"): EDITED,
    ("meta", ".universe[].onlyIsolated", "recorded as null"): EDITED,
    ("userFees", ".activeReferralDiscount", LONGER): FIXTURE,
    ("referral", ".referredBy", "ours is null"): OPTIONAL,
    ("referral", ".referrerState.data.required", "ours, never recorded"): OPTIONAL,
    ("vaultDetails", ".followerState", "ours is object"): OPTIONAL,
    ("vaultDetails", ".relationship.data", "recorded, ours lacks it"): "no vault here has children",
    ("subAccounts2", "[].abstraction", "recorded, ours lacks it"): "of an account that chose a mode",
    ("subAccounts2", "(top)", "ours is null"): "documented for an account without (HL §1.17)",
    **{
        ("subAccounts2", f"[].{field}", "ours, never recorded"): PARTIAL
        for field in ("master", "name", "subAccountUser")
    },
    **{
        ("subAccounts2", f"[].dexToClearinghouseState[][].crossMarginSummary.{field}", "ours, never recorded"): PARTIAL
        for field in ("accountValue", "totalNtlPos", "totalRawUsd", "totalMarginUsed")
    },
    **{
        ("subAccounts2", f"[].spotState.{field}", "recorded, ours lacks it"): "of portfolio margin alone"
        for field in (
            "portfolioMarginEnabled",
            "portfolioMarginRatio",
            "tokenToPortfolioBorrowRatio",
            "tokenToPortfolioSupplyRatio",
            "tokenToAvailableAfterMaintenance",
        )
    },
    ("frame subscriptionResponse", ".data.subscription.user", ""): FIXTURE,
    ("frame user", ".data.fills[].hash", ""): FIXTURE,
    ("frame orderUpdates", ".data[].order.cloid", "ours, never recorded"): OPTIONAL,
    ("frame user", ".data.fills[].cloid", "ours, never recorded"): OPTIONAL,
    ("frame user", ".data.fills[].liquidation", "recorded, ours lacks it"): "of liquidations alone",
    ("frame activeAssetCtx", ".data.ctx.premium", LONGER): OLDER,
    ("frame activeAssetCtx", ".data.ctx.dayBaseVlm", "ours, never recorded"): OLDER,
    ("frame activeSpotAssetCtx", ".data.ctx.midPx", ""): "the one pair here has no book",
    ("frame activeSpotAssetCtx", ".data.ctx.totalSupply", "ours, never recorded"): OLDER,
    ("frame activeSpotAssetCtx", ".data.ctx.dayBaseVlm", "ours, never recorded"): OLDER,
    ("userRole", ".data", "ours, never recorded"): OPTIONAL,
}


def is_right(kind: str, path: str, words: str) -> bool:
    """Whether a difference is one of those."""
    base = kind if kind.startswith("frame ") else kind.split(maxsplit=1)[0]
    return any(one == base and at == path and words.startswith(start) for one, at, start in RIGHT)
