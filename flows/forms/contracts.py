"""The contracts that a run holds files to: read, and found usable, before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence

from blocks.contract import Contract, contracts_of
from blocks.resolve import repository
from catalog.errors import InvalidInput
from transfer.contracts.check_file import check_contract
from transfer.contracts.contract import Contract as Value


def contracts(given: Sequence[Contract | str] | None) -> tuple[Value, ...]:
    """Return the contracts that are meant: blocks, their names, files of YAML, or YAML.

    Raises:
        RepositoryNotFound: a name leads to no contract, or to no repository for bad files.
        InvalidInput: one makes no sense; it is named.
    """
    found = tuple(one for each in given or () for one in contracts_of(each))
    usable(found)
    return found


def usable(found: Sequence[Value]) -> None:
    """Make sure that contracts can be used together."""
    names: set[str] = set()
    for one in found:
        if one.name in names:
            raise InvalidInput(f"two contracts are called {one.name!r}: reports would mix them up")
        names.add(one.name)
        check_contract(one)
        if one.quarantine:
            repository(one.quarantine)
