"""How many requests one account, or one address, may send in a minute; counted in this process."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from threading import Lock

from pyrate_limiter import Duration, InMemoryBucket, Rate, RateItem

from gis_service.errors import TooManyRequestsError
from gis_service.texts import T

#: most callers counted at once; who was quiet longest is forgotten first
_MOST_CALLERS = 10_000


class RateLimits:
    """A sliding minute for each caller."""

    def __init__(self, requests_per_minute: int) -> None:
        self._rates = [Rate(requests_per_minute, Duration.MINUTE)]
        self._most_weight = requests_per_minute
        self._buckets: OrderedDict[str, InMemoryBucket] = OrderedDict()
        self._lock = Lock()

    def take(self, caller: str, weight: int = 1) -> None:
        """Count one request of `caller`, as `weight` when it is dear; raises beyond the limit."""
        with self._lock:
            bucket = self._buckets.setdefault(caller, InMemoryBucket(list(self._rates)))
            self._buckets.move_to_end(caller)
            if len(self._buckets) > _MOST_CALLERS:
                self._buckets.popitem(last=False)
            item = RateItem(caller, time.monotonic_ns() // 1_000_000, min(weight, self._most_weight))
            bucket.leak(item.timestamp)
            if bucket.put(item):
                return
            wait_ms = bucket.waiting(item)
        wait_s = max(1, math.ceil(wait_ms / 1000)) if isinstance(wait_ms, int) else 60
        raise TooManyRequestsError(
            T("Too many requests; wait {seconds} seconds.", seconds=wait_s), retry_after_s=wait_s
        )
