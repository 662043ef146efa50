"""Who is calling, and what they may do."""

from typing import Final

import msgspec

from hub.errors import ForbiddenError, HubError, NotFoundError

SCOPES: Final = ("execute", "read", "monitor", "cancel", "admin")
"""Every scope there is."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling.

    Attributes:
        name: ``local``, or with a prefix that the hub sets.
        scopes: What they may do.
    """

    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether a scope is theirs."""
        return scope in self.scopes or "admin" in self.scopes


LOCAL: Final = Principal(name="local", scopes=frozenset(SCOPES))
"""Whoever calls a hub without authentication."""


def check(principal: Principal, scope: str) -> None:
    """Check that a scope is theirs.

    Raises:
        ForbiddenError: It is not.
    """
    if not principal.may(scope):
        raise ForbiddenError(detail={"scope": scope})


def refusal(principal: Principal, owner: str, scope: str) -> HubError | None:
    """Say why a principal may not read or cancel a task; None: they may.

    Args:
        principal: Who wants to.
        owner: Whose task it is.
        scope: read or cancel.

    Returns:
        NotFoundError where they may not even know of the task, the same as for an id
        that is unknown.
    """
    if principal.name == owner:
        if principal.may(scope) or principal.may("execute"):
            return None
        seen = principal.may("read") or principal.may("monitor")
        return ForbiddenError(detail={"scope": scope}) if seen else NotFoundError()
    if not principal.may("monitor"):
        return NotFoundError()
    return None if principal.may(scope) else ForbiddenError(detail={"scope": scope})
