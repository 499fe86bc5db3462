"""The one for whom something is read or written: every query and every action takes a viewer, none goes round it."""

from __future__ import annotations

from dataclasses import dataclass

from gis_service.access.permissions import PERMISSIONS, Permission, Role
from gis_service.errors import NotPermittedError
from gis_service.texts import T


@dataclass(frozen=True)
class Viewer:
    """A person (or the shell) with a role and an area scope.

    `area_ids` are the roots of the subtrees in scope; None is the whole district. An officer has no areas of its own:
    `officer_id` names
    whose beats, held on the date asked for, are the scope.
    """

    name: str
    role: Role
    area_ids: frozenset[int] | None = frozenset()
    officer_id: int | None = None
    account_id: int | None = None
    read_only: bool = False
    seen_by: str | None = None  # the name of who views as this viewer
    within: frozenset[int] | None = None  # and the roots of that person's own areas, beyond which nobody looks
    everything: bool = False  # the shell on the server itself
    called: str = ""  # the name of the person, where `name` is the login

    @property
    def signature(self) -> str:
        """Who it was, for people to read, at most 100 characters: the person's name, and the login that is unique."""
        return f"{self.called[:30]}（{self.name}）"[:100] if self.called not in ("", self.name) else self.name[:100]

    def has_signed(self, signature: str | None) -> bool:
        """Say whether a signature is this account's, whatever the person was called then."""
        return signature is not None and (signature == self.name[:100] or signature.endswith(f"（{self.name}）"))

    def may(self, permission: Permission) -> bool:
        """Say whether the role has `permission`."""
        if self.everything:
            return True
        reading = permission.value.startswith("see_")
        return self.role in PERMISSIONS[permission] and (reading or not self.read_only)

    def require(self, permission: Permission) -> None:
        """Raise `NotPermittedError` when the role has not `permission`."""
        if not self.may(permission):
            raise NotPermittedError(T("Your role may not do this ({permission}).", permission=permission.value))


#: the shell on the server: whoever has it has the database anyway; audited like everybody
SHELL = Viewer(name="shell", role=Role.PLANNER, area_ids=None, everything=True)
