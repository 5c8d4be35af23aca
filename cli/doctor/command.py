"""The doctor: looks for whatever would keep a run from going, before one is started."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter
from pydantic import ValidationError

from catalog.settings import Settings
from cli.doctor.diagnosis import Diagnosis, DoctorReport, Health
from cli.doctor.local_checks import check_catalog, check_credentials, check_disk
from cli.terminal.exit_codes import ExitCode
from cli.terminal.output import PLAIN, Output, show
from cli.terminal.prefect_loading import load_quietly


def doctor(
    *,
    connect: bool = True,
    free: bool = False,
    output: Annotated[Output, Parameter(group="Output")] = PLAIN,
) -> None:
    """Look for what would keep a run from going: settings, catalog, disk, Prefect, repositories.

    Exits with 1 where something is ill.

    Args:
        connect: Connect to every stored repository and begin to list it.
        free: Free slots of our concurrency limits that are taken while nothing runs.
        output: How to print.
    """
    checkup = DoctorReport.of(_looked(connect=connect, free=free))
    show(checkup, output)
    if not checkup:
        sys.exit(ExitCode.FAILED)


def _looked(*, connect: bool, free: bool) -> Iterator[Diagnosis]:
    try:
        settings = Settings()
    except ValidationError as error:
        for one in error.errors():
            name = "ENTREPOT_" + ".".join(map(str, one["loc"])).upper()
            yield Diagnosis("settings", Health.ILL, f"{name}: {one['msg']}", "see README.md")
        return
    yield check_catalog(settings)
    yield from check_disk(settings)
    yield check_credentials(settings)
    load_quietly()
    from cli.doctor.prefect_checks import check_prefect  # noqa: PLC0415 - it needs Prefect

    yield from check_prefect(connect=connect, free=free)
