"""Validate: runs checks and contracts on staged files before anything is written.

Size and digests were verified during download. Here the user's checks may refuse an item, and
contracts are applied with their consequences. A check is any callable that takes the item and the
staged bytes (or file) and raises `Refused`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from catalog.errors import CatalogError, IntegrityError
from catalog.model.breach import Breach
from catalog.model.plan import OnError, PlanItem
from transfer.batch.staging import Staging, Transfer
from transfer.contracts.check_file import check_file
from transfer.contracts.contract import Contract, Then
from transfer.contracts.findings import Report
from transfer.steps.quarantine import quarantine_breach
from transfer.user_functions import Refused

Check = Callable[[PlanItem, "bytes | Path"], None]


def validate(staging: Staging, checks: Sequence[Check] = ()) -> Staging:
    """Run every check on every staged transfer; refused transfers are settled as failed."""
    if not checks:
        return staging
    for transfer in staging.to_write():
        staging.delivery.stop.check()
        content = transfer.data if transfer.data is not None else transfer.file
        if content is None:
            continue
        for check in checks:
            try:
                check(transfer.item, content)
            except Refused as error:
                staging.fail(transfer, error)
                break
    return staging


class ContractBroken(Refused):
    """A file breaks a contract; the message names it and the first case."""

    code = "contract-broken"


def enforce_contracts(staging: Staging) -> Staging:
    """Check staged files against the contracts of the delivery; the first broken one decides.

    If it only warns, the next contract is checked as well, and the file arrives.
    """
    contracts = staging.delivery.options.contracts
    for transfer in staging.to_write() if contracts else ():
        for contract in contracts:
            staging.delivery.stop.check()
            if contract.covers(transfer.item.path) and not _passes(staging, transfer, contract):
                break
    return staging


def _passes(staging: Staging, transfer: Transfer, contract: Contract) -> bool:
    """Check one contract and say whether the transfer may go on."""
    content = transfer.data if transfer.data is not None else transfer.file
    if content is None:
        return _fail_unread(staging, transfer)
    report = check_file(contract, transfer.item.path, content, staging.delivery.stop)
    if report:
        _apply_consequence(staging, transfer, contract, _make_breach(transfer, contract, report))
    return not report or contract.then is Then.WARN


def _fail_unread(staging: Staging, transfer: Transfer) -> bool:
    """Fail a transfer that could not be checked; one that was not tried gets no outcome."""
    delivery = staging.delivery
    if not (delivery.options.on_error is OnError.FAIL and delivery.progress.failed):
        staging.fail(
            transfer, IntegrityError(transfer.item.path, "staged bytes", "none", "to check")
        )
    return False


def _apply_consequence(
    staging: Staging, transfer: Transfer, contract: Contract, breach: Breach
) -> None:
    error = ContractBroken(f"breaks the contract {contract.name!r}: {breach.summary()}")
    match contract.then:
        case Then.FAIL:
            staging.fail(transfer, error)
        case Then.QUARANTINE:
            area = staging.delivery.quarantine_areas[contract.quarantine]
            try:
                key = quarantine_breach(staging, transfer, area, breach)
            except CatalogError as cause:
                staging.fail(transfer, cause)
            else:
                breach = replace(breach, aside=f"{area.address.rstrip('/')}/{key}")
                staging.drop(transfer, error)
        case Then.WARN:
            pass
    staging.breaches.append(breach)


def _make_breach(transfer: Transfer, contract: Contract, report: Report) -> Breach:
    item, resource = transfer.item, transfer.resource
    return Breach(
        contract.name,
        contract.then.value,
        item.path,
        item.origin,
        resource.etag if resource is not None else item.etag,
        transfer.digest,
        report.count,
        report.cases,
    )
