"""What can go wrong, in field terms. These classes know no HTTP: `gis_service.api.problems` maps them to codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gis_service.texts import Text


class GridError(Exception):
    """Anything the service refuses; carries a text for the user."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.msgid, dict(text.params))
        self.text = text

    def __str__(self) -> str:
        return str(self.text)


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one value of an input: where it is, what it is and what to do about it."""

    message: Text
    file: str | None = None
    row: int | None = None
    field: str | None = None
    value: str | None = None
    remedy: Text | None = None


class NotSignedInError(GridError):
    """Nobody is signed in, or the session ended."""


class SecondFactorNeededError(NotSignedInError):
    """The password fits; the code of the second factor is still to come."""


class NotPermittedError(GridError):
    """The role or the area scope does not reach there."""


class PasswordChangeDueError(NotPermittedError):
    """The password was given by somebody else; it is changed before anything else is done."""


class SecondFactorDueError(NotPermittedError):
    """The role needs a second factor; it is set up before anything else is done."""


class NotFoundError(GridError):
    """There is no such thing in what the viewer may see."""


class ConflictError(GridError):
    """It contradicts what is already there."""


class InvalidInputError(GridError):
    """The input is not acceptable; the faults say where and why."""

    def __init__(self, text: Text, faults: Sequence[Fault] = ()) -> None:
        super().__init__(text)
        self.faults = tuple(faults)


class TooLargeError(GridError):
    """The input exceeds a limit that protects the service."""


class TooManyRequestsError(GridError):
    """Too many requests, or a locked account; wait `retry_after_s` seconds."""

    def __init__(self, text: Text, retry_after_s: int) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class NotReadyError(GridError):
    """The service lacks something that the administrator must set up (database, extension, keys)."""


class TamperedError(GridError):
    """Something sealed or chained was changed by another hand than the service's."""
