"""What is left to be done when an answer has been given."""

from __future__ import annotations

import asyncio

from starlette.background import BackgroundTask


class Afterwards(BackgroundTask):
    """A background task that begins when the answer has left the process.

    Starlette begins its own as soon as the answer is handed to the server, which writes at the end of the event loop's
    turn: a thread that computes meanwhile holds the interpreter, and the reader waits for it.
    """

    async def __call__(self) -> None:
        """Let the loop write, then run."""
        await asyncio.sleep(0)
        await super().__call__()
