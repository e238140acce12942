"""Draws by name: the published generator, to the bit, and even."""

import numpy as np

from portfolio_mm.models import splitmix

PUBLISHED = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
"""First outputs of splitmix64 from seed 1234567, as in its reference implementation's test (Rosetta Code)."""


def test_the_generator_is_the_published_one() -> None:
    hi, lo, found = 0, 1234567, []
    for _ in PUBLISHED:
        hi, lo, a, b = splitmix.step(hi, lo)
        found.append((int(a) << 32) | int(b))
    assert found == PUBLISHED


def test_draws_are_even_and_belong_to_all_four_names() -> None:
    draws = np.array([splitmix.uniform(7, 1, i, s) for i in range(400) for s in range(12)]).reshape(400, 12)
    assert 0.0 <= draws.min() < draws.max() < 1.0
    counts, _ = np.histogram(draws, 10, (0.0, 1.0))
    assert ((counts - 480.0) ** 2 / 480.0).sum() < 21.7  # chi squared, 9 degrees, 1 %
    others = (splitmix.uniform(8, 1, 5, 3), splitmix.uniform(7, 2, 5, 3), splitmix.uniform(7, 1, 6, 3))
    assert draws[5, 3] not in {*others, draws[5, 4]}
    assert abs(np.corrcoef(draws.T) - np.eye(12)).max() < 0.2
