"""How files are to be moved: the options of sync and plan as one value."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from catalog.model.plan import Mode, OnError, Policy, Selection, Strategy
from catalog.rules.guards import Guards
from flows.forms.approval import Approval
from transfer.batch.delivery import CleanUp, History
from transfer.contracts.contract import Contract
from transfer.steps.sequence import BuiltInStep, StepChange, StepPosition


class StepSettings(BaseModel, title="Step"):
    """A custom step of each batch, or a built-in step to leave out."""

    model_config = ConfigDict(extra="forbid")

    at: StepPosition = Field(
        default=StepPosition.BEFORE,
        title="Where",
        description="Before, after or instead of the built-in step.",
    )
    part: BuiltInStep = Field(
        default=BuiltInStep.UPLOAD, title="Which step", description="The built-in step."
    )
    run: str = Field(
        default="",
        title="Your function",
        description=(
            "Your step as module:function, called with the batch; empty, with instead, to leave "
            "the built-in step out."
        ),
    )

    def value(self) -> StepChange:
        """Return the change of the step sequence."""
        return StepChange(self.at, self.part, self.run)


class GuardSettings(BaseModel, title="Guards"):
    """Limits on what a plan may do at each destination without approval."""

    model_config = ConfigDict(extra="forbid")

    removals: int | None = Field(
        default=None, ge=0, title="Removals", description="Most files to remove."
    )
    removal_share: float | None = Field(
        default=0.5,
        ge=0,
        le=1,
        title="Share removed",
        description="Largest share of a destination's files to remove; applies from 20 removals.",
    )
    removal_bytes: int | None = Field(
        default=None, ge=0, title="Bytes removed", description="Most bytes to remove."
    )
    bytes: int | None = Field(
        default=None, ge=0, title="Bytes written", description="Most bytes to write."
    )

    def values(self) -> Guards:
        """Return the guards."""
        return Guards(**self.model_dump())


@dataclass(frozen=True, slots=True)
class Batching:
    """The size of batches and their threads; None for the value from the settings."""

    files: int | None = None
    threads: int | None = None


class BatchSettings(BaseModel, title="Batches"):
    """The size of batches, and how many of their files are moved at once."""

    model_config = ConfigDict(extra="forbid")

    files: int | None = Field(
        default=None,
        ge=1,
        title="Files",
        description="Most files in a batch; more if a run would have over 200 batches.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=256,
        title="Threads",
        description="Most files of a batch to move at once.",
    )

    def value(self) -> Batching:
        """Return the batching."""
        return Batching(**self.model_dump())


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that a plan and its execution depend on, apart from source and destinations."""

    mode: Mode = Mode.ADDITIVE
    policy: Policy = Policy.IMMEDIATE
    strategy: Strategy = Strategy.DIGEST
    selection: Selection = field(default=Selection())
    listed: bool = True  # list the destinations, and do not rely on the catalog alone
    on_error: OnError = OnError.CONTINUE
    allow_partial: bool = False
    allow_gaps: tuple[str, ...] = ()  # globs of gaps that are accepted
    clean_up: CleanUp = CleanUp.KEEP
    checks: tuple[str, ...] = ()
    steps: tuple[StepChange, ...] = ()
    contracts: tuple[Contract, ...] = ()
    batches: Batching = field(default=Batching())
    guards: Guards = field(default=Guards())
    approval: Approval = Approval.FAIL
    history: History = History.KEEP

    def to_json(self) -> str:
        """Return the options that are stored with a plan, to apply it later."""
        kept = (
            "listed",
            "on_error",
            "allow_partial",
            "allow_gaps",
            "clean_up",
            "checks",
            "steps",
            "contracts",
            "batches",
            "guards",
            "approval",
            "history",
        )
        values = asdict(self)
        return json.dumps({name: values[name] for name in kept})

    @classmethod
    def from_json(cls, text: str) -> Options:
        """Read the options that are stored with a plan."""
        return TypeAdapter(Options).validate_json(text)
