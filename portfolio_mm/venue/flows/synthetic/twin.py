"""The misspecified twin of a market: the same means, other laws than any estimator of ours assumes."""

import msgspec

from portfolio_mm.venue.flows.synthetic.params import SyntheticParams

HELD = 0.3


def misspecify(params: SyntheticParams) -> SyntheticParams:
    """Power laws of reach and excitation, cancels that age, stamps that cluster; as it is when it is no twin."""
    if not params.twin:
        return params
    return msgspec.structs.replace(
        params,
        reach_law="power",
        kernel_law="power",
        cancel_law="ageing",
        stamp_hold=max(params.stamp_hold, HELD),
    )
