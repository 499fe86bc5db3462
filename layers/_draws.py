"""Seeded random draws inside compiled loops: the same numbers on every machine, without a state shared by threads."""

import numpy as np
import numpy.typing as npt

from layers._compiled import compiled

DrawState = npt.NDArray[np.uint64]


def draw_state(seed: int) -> DrawState:
    """State of shape (1,) for a whole-number seed; well mixed, never zero."""
    return np.random.SeedSequence(seed).generate_state(1, np.uint64) | np.uint64(1)


@compiled
def _draw(state: DrawState) -> np.uint64:
    """Next 64 bits (xorshift64*, Vigna 2016)."""
    bits = state[0]
    bits ^= bits >> np.uint64(12)
    bits ^= bits << np.uint64(25)
    bits ^= bits >> np.uint64(27)
    state[0] = bits
    mixed: np.uint64 = bits * np.uint64(2685821657736338717)
    return mixed


@compiled
def draw_below(state: DrawState, bound: int) -> int:
    """Whole number from 0 to ``bound`` - 1 (``bound`` far below 2^31, so that the bias is nil for our purposes)."""
    number: int = np.int64((_draw(state) >> np.uint64(33)) % np.uint64(bound))  # type: ignore[assignment]
    return number


@compiled
def draw_share(state: DrawState) -> float:
    """Number in (0, 1]."""
    return (np.float64(_draw(state) >> np.uint64(11)) + 1.0) / 9007199254740992.0
