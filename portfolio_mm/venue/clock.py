"""The venue's clock."""

import time


class VenueClock:
    """Venue time: starts at the wall clock and runs `speed` times as fast as the monotonic one."""

    def __init__(self, speed: float) -> None:
        self.start_ms = int(time.time() * 1000)
        self.stepped_ms = 0
        self._start_s = time.monotonic()
        self._speed = speed

    def elapsed_ms(self) -> float:
        """Venue milliseconds since the start; a step does not count."""
        return (time.monotonic() - self._start_s) * 1000 * self._speed

    def now_ms(self) -> int:
        """Unix milliseconds of the venue."""
        return self.start_ms + int(self.elapsed_ms()) + self.stepped_ms

    def step(self, ms: int) -> None:
        """Jump."""
        self.stepped_ms += ms
