"""Machine-code loops: the one numba decorator of the layers, and threads that share a range between them."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")

CHUNKS_PER_THREAD = 8


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile with numba at the first call, outside the interpreter lock; keep the machine code on disk when we may.

    An installation in a read-only folder and an account without a home have no place for a cache: then every process
    compiles for itself. Floating-point operations are never reordered or fused, as the exact predicates require.

    What is kept is renewed when the module that holds the function changes, not when a module that it calls does: who
    edits a compiled function that other modules call deletes ``layers/__pycache__``.
    """
    return _compiled(function, counts_references=True)


def compiled_without_allocation(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a function that makes no array: its loops are spared the counting of references to arrays."""
    return _compiled(function, counts_references=False)


def _compiled(function: Callable[P, R], *, counts_references: bool) -> Callable[P, R]:
    # said either way, as a function that is first needed by another one would inherit that one's choice
    options = {"nogil": True, "_nrt": counts_references}
    try:
        machine_code: Callable[P, R] = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        machine_code = numba.njit(**options)(function)
    return machine_code


def thread_count() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_range(work: Callable[[int, int], None], length: int, *, smallest_chunk: int) -> None:
    """Call ``work(low, high)`` for consecutive pieces of ``range(length)``, on all cores when it is worth it.

    Plain threads rather than a numba thread pool: safe to call from several request threads at once and after a fork.
    """
    threads = min(thread_count(), -(-length // smallest_chunk))
    if threads <= 1:
        work(0, length)
        return
    step = max(smallest_chunk, -(-length // (threads * CHUNKS_PER_THREAD)))
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, low, min(low + step, length)) for low in range(0, length, step)]:
            done.result()
