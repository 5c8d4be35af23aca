"""The steps of a batch: the built-in ones, and how the user's own steps fit in.

>>> steps = step_sequence([StepChange(StepPosition.BEFORE, BuiltInStep.UPLOAD, "mine:scan")])
>>> [str(one) for one in steps]
['download', 'validate', 'mine:scan', 'upload', 'mark', 'cleanup']
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from catalog.errors import InvalidInput


class BuiltInStep(StrEnum):
    """A built-in step, in order of execution."""

    DOWNLOAD = "download"
    VALIDATE = "validate"
    UPLOAD = "upload"
    MARK = "mark"
    """Only under the strategy `marker`."""
    CLEANUP = "cleanup"


class StepPosition(StrEnum):
    """Where the user's own step goes."""

    BEFORE = "before"
    AFTER = "after"
    INSTEAD = "instead"


REQUIRED = (BuiltInStep.DOWNLOAD, BuiltInStep.UPLOAD)  # may be replaced, but not left out


@dataclass(frozen=True, slots=True)
class StepChange:
    """One change to the steps: `run` (`module:function`) is added to, or replaces, a built-in step.

    With `instead` and an empty `run` the built-in step is left out.
    """

    at: StepPosition
    part: BuiltInStep
    run: str = ""


def step_sequence(changes: Sequence[StepChange]) -> tuple[BuiltInStep | str, ...]:
    """Return the steps of a batch: built-in steps, and names of the user's own.

    Raises:
        InvalidInput: the changes contradict each other, or leave out a required step.
    """
    instead: dict[BuiltInStep, str] = {}
    for change in changes:
        _check_change(change)
        if (
            change.at is StepPosition.INSTEAD
            and instead.setdefault(change.part, change.run) != change.run
        ):
            raise InvalidInput(
                f"two steps replace {change.part.value!r}, expected one: "
                f"{instead[change.part]!r} and {change.run!r}"
            )
    order: list[BuiltInStep | str] = []
    for part in BuiltInStep:
        order += [
            change.run
            for change in changes
            if change.part is part and change.at is StepPosition.BEFORE
        ]
        if part not in instead:
            order.append(part)
        elif instead[part]:
            order.append(instead[part])
        order += [
            change.run
            for change in changes
            if change.part is part and change.at is StepPosition.AFTER
        ]
    return tuple(order)


def needs_staging(changes: Sequence[StepChange]) -> bool:
    """Say whether a step may read the bytes before they are written, so that all must be staged."""
    return any(
        change.run
        and (
            change.part is BuiltInStep.VALIDATE
            or (change.part is BuiltInStep.DOWNLOAD and change.at is not StepPosition.BEFORE)
            or (change.part is BuiltInStep.UPLOAD and change.at is not StepPosition.AFTER)
        )
        for change in changes
    )


def _check_change(one: StepChange) -> None:
    if one.part is BuiltInStep.MARK:
        raise InvalidInput("the step 'mark' belongs to the strategy 'marker' and cannot be changed")
    if one.run:
        return
    if one.at is not StepPosition.INSTEAD:
        raise InvalidInput(f"a step {one.at.value} {one.part.value!r} needs a module:function")
    if one.part in REQUIRED:
        raise InvalidInput(f"the step {one.part.value!r} can be replaced, not left out")
