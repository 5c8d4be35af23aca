"""Load the contracts of a run, and check that they can be used, before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence

from blocks.contract import Contract, contracts_of
from blocks.resolve import repository
from catalog.errors import InvalidInput
from transfer.contracts.check_file import check_contract
from transfer.contracts.contract import Contract as Value


def load_contracts(references: Sequence[Contract | str] | None) -> tuple[Value, ...]:
    """Load contracts given as blocks, names of blocks, YAML files, or YAML.

    Raises:
        RepositoryNotFound: there is no contract, or no quarantine repository, of a given name.
        InvalidInput: a contract is invalid; the error names it.
    """
    contracts = tuple(
        contract for reference in references or () for contract in contracts_of(reference)
    )
    check_contracts(contracts)
    return contracts


def check_contracts(contracts: Sequence[Value]) -> None:
    """Check that contracts can be used, and used together."""
    names: set[str] = set()
    for contract in contracts:
        if contract.name in names:
            raise InvalidInput(
                f"two contracts are named {contract.name!r}: give each a name of its own, "
                "so that reports can tell them apart"
            )
        names.add(contract.name)
        check_contract(contract)
        if contract.quarantine:
            repository(contract.quarantine)
