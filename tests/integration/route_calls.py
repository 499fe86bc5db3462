"""How to call every route of the service: one entry a route.

Who may is in no entry: that is what the table of permissions says. An entry says what to send, which part of it names
a place, and what is expected beyond the table.
"""

from __future__ import annotations

from tests.integration.route_call import Call
from tests.integration.route_calls_api import API_CALLS
from tests.integration.route_calls_pages import PAGE_CALLS

CALLS: dict[str, tuple[Call, ...]] = {**API_CALLS, **PAGE_CALLS}
