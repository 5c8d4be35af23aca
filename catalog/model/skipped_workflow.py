"""A workflow that was skipped, as the catalog remembers it: a run that failed before it began.

`ingest_workflow_instantiation_failures_total` counts them.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from catalog.model.run import Run

SKIPPED = "workflow-skipped"  # the kind of such a run


def skipped_run(workflow: str, file: str) -> Run:
    """Return the run to record; why is not in it, for a file's values may be secrets."""
    now = datetime.now(UTC)
    return Run(
        uuid.uuid4().hex,
        SKIPPED,
        state="failed",
        started_at=now,
        ended_at=now,
        message=f"the workflow {workflow!r} of {file!r} was skipped",
    )
