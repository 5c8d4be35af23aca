"""The steps of a batch: which there are, and how a person's own go between them.

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
    """A step of ours, in the order in which they come."""

    DOWNLOAD = "download"
    VALIDATE = "validate"
    UPLOAD = "upload"
    MARK = "mark"
    """Only under the strategy `marker`."""
    CLEANUP = "cleanup"


class StepPosition(StrEnum):
    """Where a person's own step goes."""

    BEFORE = "before"
    AFTER = "after"
    INSTEAD = "instead"


REQUIRED = (BuiltInStep.DOWNLOAD, BuiltInStep.UPLOAD)  # they may be replaced, never left out


@dataclass(frozen=True, slots=True)
class StepChange:
    """One change to the steps: `run` (`module:function`) stands by, or for, one of ours.

    With `instead` and an empty `run` the step of ours is left out.
    """

    at: StepPosition
    part: BuiltInStep
    run: str = ""


def step_sequence(changes: Sequence[StepChange]) -> tuple[BuiltInStep | str, ...]:
    """Return what is done with a batch: steps of ours, and names of a person's own.

    Raises:
        InvalidInput: the changes contradict each other, or leave out what must be.
    """
    instead: dict[BuiltInStep, str] = {}
    for one in changes:
        _check_change(one)
        if one.at is StepPosition.INSTEAD and instead.setdefault(one.part, one.run) != one.run:
            raise InvalidInput(
                f"two steps are wanted instead of {one.part.value!r}: "
                f"{instead[one.part]!r} and {one.run!r}"
            )
    order: list[BuiltInStep | str] = []
    for part in BuiltInStep:
        order += [one.run for one in changes if one.part is part and one.at is StepPosition.BEFORE]
        if part not in instead:
            order.append(part)
        elif instead[part]:
            order.append(instead[part])
        order += [one.run for one in changes if one.part is part and one.at is StepPosition.AFTER]
    return tuple(order)


def needs_staging(changes: Sequence[StepChange]) -> bool:
    """Say whether a step may look at the bytes before they are written: large ones are staged."""
    return any(
        one.run
        and (
            one.part is BuiltInStep.VALIDATE
            or (one.part is BuiltInStep.DOWNLOAD and one.at is not StepPosition.BEFORE)
            or (one.part is BuiltInStep.UPLOAD and one.at is not StepPosition.AFTER)
        )
        for one in changes
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
