import threading

import numba.core.caching
import pytest

from layers._compiled import compiled, share_range


def test_a_function_is_compiled_even_where_no_cache_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.core.caching.CompileResultCacheImpl, "_locator_classes", [])

    def twice(value: int) -> int:
        return 2 * value

    assert compiled(twice)(21) == 42


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 1000, 1001])
def test_a_shared_range_is_covered_once(length: int) -> None:
    seen, lock = [0] * length, threading.Lock()

    def count(low: int, high: int) -> None:
        with lock:
            for place in range(low, high):
                seen[place] += 1

    share_range(count, length, smallest_chunk=10)
    assert seen == [1] * length


def test_an_error_in_one_piece_of_a_shared_range_is_raised() -> None:
    def fail(low: int, high: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        share_range(fail, 100, smallest_chunk=10)
