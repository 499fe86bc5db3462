"""What is left to be done when an answer has been given."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.background import BackgroundTask

#: about how long a map takes to ask for the tiles of a screen, and to be given them
_BURST_S: Final = 0.2


class Afterwards(BackgroundTask):
    """A background task that begins when the answer, and those asked for together with it, have left the process.

    Starlette begins its own as soon as the answer is handed to the server: a thread that computes meanwhile holds the
    interpreter, and whoever waits for the other tiles of the same screen waits for it too.
    """

    async def __call__(self) -> None:
        """Let a burst of requests pass, then run."""
        await asyncio.sleep(_BURST_S)
        await super().__call__()
