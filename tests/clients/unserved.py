"""What the TypeScript SDK can read and the venue does not serve: HTTP 422."""

from typing import Final

READS: Final = frozenset(
    {
        # Staking, validators and the gossip network: nothing of it is here.
        *("gossipPriorityAuctionStatus", "gossipRootIps", "validatorL1Votes", "validatorSummaries"),
        # Lists of all vaults.
        *("leadingVaults", "vaultSummaries"),
        # Listing new coins, describing them, outcome markets.
        *("outcomeMeta", "outcomeTemplates", "perpAnnotation", "perpCategories", "perpConciseAnnotations"),
        *("perpDeployAuctionStatus", "settledOutcome", "spotDeployState", "spotPairDeployAuctionStatus"),
        # The web page's own, multi-signature users, bridges, what is retired (HL §1.1).
        *("usdcRouting", "userToMultiSigSigners", "webData2"),
    }
)
