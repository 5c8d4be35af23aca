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
from catalog.model.plan import Item, OnError
from transfer.batch.staging import Piece, Staging
from transfer.contracts.check_file import check_file
from transfer.contracts.contract import Contract, Then
from transfer.contracts.findings import Report
from transfer.steps.contract_quarantine import quarantine_breach
from transfer.user_functions import Refused

Check = Callable[[Item, "bytes | Path"], None]


def validate(staging: Staging, checks: Sequence[Check] = ()) -> Staging:
    """Run every check on every staged piece; refused pieces are settled as failed."""
    if not checks:
        return staging
    for piece in staging.to_write():
        staging.delivery.stop.check()
        content = piece.data if piece.data is not None else piece.file
        if content is None:
            continue
        for check in checks:
            try:
                check(piece.item, content)
            except Refused as error:
                staging.fail(piece, error)
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
    for piece in staging.to_write() if contracts else ():
        for contract in contracts:
            staging.delivery.stop.check()
            if contract.covers(piece.item.path) and not _passes(staging, piece, contract):
                break
    return staging


def _passes(staging: Staging, piece: Piece, contract: Contract) -> bool:
    """Check one contract and say whether the piece may go on."""
    content = piece.data if piece.data is not None else piece.file
    if content is None:
        return _fail_unread(staging, piece)
    report = check_file(contract, piece.item.path, content, staging.delivery.stop)
    if report:
        _apply_consequence(staging, piece, contract, _make_breach(piece, contract, report))
    return not report or contract.then is Then.WARN


def _fail_unread(staging: Staging, piece: Piece) -> bool:
    """Fail a piece that could not be checked; one that was not tried gets no outcome."""
    delivery = staging.delivery
    if not (delivery.options.on_error is OnError.FAIL and delivery.progress.failed):
        staging.fail(piece, IntegrityError(piece.item.path, "staged bytes", "none", "to check"))
    return False


def _apply_consequence(staging: Staging, piece: Piece, contract: Contract, breach: Breach) -> None:
    error = ContractBroken(f"breaks the contract {contract.name!r}: {breach.summary()}")
    match contract.then:
        case Then.FAIL:
            staging.fail(piece, error)
        case Then.QUARANTINE:
            area = staging.delivery.quarantine_areas[contract.quarantine]
            try:
                key = quarantine_breach(staging, piece, area, breach)
            except CatalogError as cause:
                staging.fail(piece, cause)
            else:
                breach = replace(breach, aside=f"{area.address.rstrip('/')}/{key}")
                staging.drop(piece, error)
        case Then.WARN:
            pass
    staging.breaches.append(breach)


def _make_breach(piece: Piece, contract: Contract, report: Report) -> Breach:
    item, resource = piece.item, piece.resource
    return Breach(
        contract.name,
        contract.then.value,
        item.path,
        item.origin,
        resource.etag if resource is not None else item.etag,
        piece.digest,
        report.count,
        report.cases,
    )
