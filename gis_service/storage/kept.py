"""What was read once for a version of the data and is kept in memory, the longest unused given up first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final, Generic, TypeVar

Value = TypeVar("Value")

#: names of what was wanted once that are remembered
_MOST_WANTED: Final = 10_000


class Kept(Generic[Value]):
    """Values by key, up to a weight in all; one reader makes a value, others wait for it.

    Parameters
    ----------
    most
        What all values may weigh together; the newest stays whatever it weighs.
    weight
        What one value weighs, in the same unit.
    """

    def __init__(self, most: int, weight: Callable[[Value], int]) -> None:
        self._most, self._weight = most, weight
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._lock = Lock()
        self._making = Lock()
        self._wanted: set[str] = set()

    def find(self, key: str) -> Value | None:
        """The value kept under a key."""
        with self._lock:
            found = self._values.get(key)
            if found is not None:
                self._values.move_to_end(key)
            return found

    def get(self, key: str, make: Callable[[], Value]) -> Value:
        """The value kept under a key, else made anew."""
        found = self.find(key)
        if found is not None:
            return found
        with self._making:
            found = self.find(key)
            if found is None:
                found = make()
                self._keep(key, found)
            return found

    def begin(self, key: str, make: Callable[[], Value]) -> None:
        """Make the value of a key, unless it is there or somebody is making one now."""
        if self.find(key) is None and self._making.acquire(blocking=False):
            try:
                if self.find(key) is None:
                    self._keep(key, make())
            finally:
                self._making.release()

    def is_wanted_again(self, name: str) -> bool:
        """Say whether somebody wanted this before: what one asks for once is not worth making ahead."""
        with self._lock:
            if len(self._wanted) > _MOST_WANTED:
                self._wanted.clear()
            again = name in self._wanted
            self._wanted.add(name)
        return again

    def _keep(self, key: str, value: Value) -> None:
        with self._lock:
            self._values[key] = value
            while len(self._values) > 1 and sum(map(self._weight, self._values.values())) > self._most:
                self._values.popitem(last=False)
