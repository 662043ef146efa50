"""Who may do what: the table of the protocol, section 8."""

from collections.abc import Iterable
from itertools import chain, combinations

import pytest

from hub.auth import LOCAL, SCOPES, Principal, check, refusal
from hub.errors import ForbiddenError, NotFoundError

EVERY_SET = list(chain.from_iterable(combinations(SCOPES, n) for n in range(6)))


def principal(scopes: Iterable[str], name: str = "token:me") -> Principal:
    """Return somebody with some scopes."""
    return Principal(name=name, scopes=frozenset(scopes))


def test_without_authentication_everything_is_allowed() -> None:
    """On loopback there is one principal, with every scope."""
    assert LOCAL.name == "local"
    assert LOCAL.scopes == set(SCOPES)
    for scope in SCOPES:
        check(LOCAL, scope)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_that_is_missing_is_named(scope: str) -> None:
    """Who lacks a scope reads which."""
    others = set(SCOPES) - {scope, "admin"}

    with pytest.raises(ForbiddenError) as refused:
        check(principal(others), scope)

    assert refused.value.detail == {"scope": scope}
    check(principal([scope]), scope)


@pytest.mark.parametrize("scope", SCOPES)
def test_admin_is_every_scope(scope: str) -> None:
    """`admin` stands for all."""
    check(principal(["admin"]), scope)


def verdict(scopes: set[str], wanted: str, *, own: bool) -> str:
    """Say by the plain words of the table what is answered."""
    if "admin" in scopes:
        return "yes"
    if own:
        sees = bool(scopes & {"execute", "read", "monitor"})
        allowed = "execute" in scopes or wanted in scopes
    else:
        sees = "monitor" in scopes
        allowed = sees and wanted in scopes
    if allowed:
        return "yes"
    return "forbidden" if sees else "not_found"


@pytest.mark.parametrize("scopes", EVERY_SET, ids="+".join)
@pytest.mark.parametrize("wanted", ["read", "cancel"])
@pytest.mark.parametrize("own", [True, False])
def test_rights_are_the_table(scopes: tuple[str, ...], wanted: str, own: bool) -> None:
    """Every set of scopes gives exactly the rights that the protocol gives it.

    A task whose row one may see is forbidden; any other does not exist.
    """
    me = principal(scopes)
    expected = verdict(set(scopes), wanted, own=own)

    error = refusal(me, me.name if own else "token:other", wanted)

    assert ("yes" if error is None else error.code) == expected
    if isinstance(error, ForbiddenError):
        assert error.detail == {"scope": wanted}


def test_a_hidden_task_is_refused_like_an_unknown_one() -> None:
    """Whoever may not know of a task learns nothing from the refusal."""
    error = refusal(principal(["read", "cancel"]), "token:other", "read")

    assert isinstance(error, NotFoundError)
    assert error.message == NotFoundError().message
    assert error.detail is None
