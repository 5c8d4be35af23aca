"""How a person wants files to be moved: what sync and plan ask for, as one value."""

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
    """A step of your own between those of each batch, or one of them left out."""

    model_config = ConfigDict(extra="forbid")

    at: StepPosition = Field(
        default=StepPosition.BEFORE, title="Where", description="Before, after or instead of it."
    )
    part: BuiltInStep = Field(
        default=BuiltInStep.UPLOAD, title="Which step", description="The step that yours stands by."
    )
    run: str = Field(
        default="",
        title="Your function",
        description="As module:function, called with the batch; empty leaves the step out.",
    )

    def value(self) -> StepChange:
        """Return the change."""
        return StepChange(self.at, self.part, self.run)


class GuardSettings(BaseModel, title="Guards"):
    """What a plan may do at each destination; more fails the run, or asks a person."""

    model_config = ConfigDict(extra="forbid")

    removals: int | None = Field(
        default=None, ge=0, title="Removals", description="Files removed, at most."
    )
    removal_share: float | None = Field(
        default=0.5,
        ge=0,
        le=1,
        title="Share removed",
        description="Share of a destination's files removed, at most; from 20 removals up.",
    )
    removal_bytes: int | None = Field(
        default=None, ge=0, title="Bytes removed", description="Bytes removed, at most."
    )
    bytes: int | None = Field(
        default=None, ge=0, title="Bytes written", description="Bytes written, at most."
    )

    def values(self) -> Guards:
        """Return the guards."""
        return Guards(**self.model_dump())


@dataclass(frozen=True, slots=True)
class Batching:
    """How large a batch is, and how much of it goes on at once; None: as the settings say."""

    files: int | None = None
    threads: int | None = None


class BatchSettings(BaseModel, title="Batches"):
    """How large a batch is, and how much of it goes on at once."""

    model_config = ConfigDict(extra="forbid")

    files: int | None = Field(
        default=None,
        ge=1,
        title="Files",
        description="Files of a batch, at most; more where a run would have over 200 batches.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=256,
        title="Threads",
        description="Files of a batch that are moved at once, at most.",
    )

    def value(self) -> Batching:
        """Return them."""
        return Batching(**self.model_dump())


@dataclass(frozen=True, slots=True)
class Options:
    """All that a plan and its carrying out depend on, beside its ends."""

    mode: Mode = Mode.ADDITIVE
    policy: Policy = Policy.IMMEDIATE
    strategy: Strategy = Strategy.DIGEST
    selection: Selection = field(default=Selection())
    listed: bool = True  # look at what the destinations hold now
    on_error: OnError = OnError.CONTINUE
    allow_partial: bool = False
    allow_gaps: tuple[str, ...] = ()  # globs of what need not be seen
    clean_up: CleanUp = CleanUp.KEEP
    checks: tuple[str, ...] = ()
    steps: tuple[StepChange, ...] = ()
    contracts: tuple[Contract, ...] = ()
    batches: Batching = field(default=Batching())
    guards: Guards = field(default=Guards())
    approval: Approval = Approval.FAIL
    history: History = History.KEEP

    def to_json(self) -> str:
        """Return what a stored plan must remember to be carried out later."""
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
        every = asdict(self)
        return json.dumps({name: every[name] for name in kept})

    @classmethod
    def from_json(cls, text: str) -> Options:
        """Read what a stored plan remembers."""
        return TypeAdapter(Options).validate_json(text)
