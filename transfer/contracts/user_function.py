"""A contract that is a user's own function.

def no_drafts(content, path):
    for number, line in enumerate(content, 1):
        if b"DRAFT" in line:
            yield FailureCase("no draft", row=number)
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from catalog.errors import InvalidInput
from catalog.model.breach import FailureCase, truncate
from transfer.contracts.contract import Contract
from transfer.contracts.findings import Findings
from transfer.contracts.row_chunk import open_content
from transfer.user_functions import Refused, import_function


def check_with_function(
    contract: Contract, path: str, content: bytes | Path, findings: Findings
) -> None:
    """Check a file with the function of a contract.

    It is called with the open file and its path, and yields sentences or failure cases, if any. A
    `ValueError` that it raises is a failure case too.
    """
    name = contract.rule.text
    with open_content(content) as file:
        try:
            _add_findings(name, import_function(name, "contract")(file, path), findings)
        except InvalidInput as error:
            if not isinstance(error, Refused):
                raise
            findings.add(str(error))
        except ValueError as error:
            findings.add(str(error) or type(error).__name__)


def _add_findings(name: str, results: object, findings: Findings) -> None:
    if results is None:
        return
    if isinstance(results, str) or not isinstance(results, Iterable):
        raise _wrong_answer(name, results)
    for one in results:
        if isinstance(one, FailureCase):
            findings.add(one.check, one.row, one.column, one.value)
        elif isinstance(one, str):
            findings.add(one)
        else:
            raise _wrong_answer(name, one)


def _wrong_answer(name: str, result: object) -> InvalidInput:
    return InvalidInput(
        f"the contract {name!r} must yield failure cases or sentences, "
        f"found {truncate(repr(result))}"
    )
