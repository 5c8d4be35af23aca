"""`entrepot catalog`: backups of the catalog and the way back, its audit, and making it anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from catalog.backup.create import back_up
from catalog.backup.restore import restore as put_back
from cli.terminal.output import PLAIN, Output, open_catalog, show
from cli.terminal.table import Table
from flows.results.sync import human

Given = Annotated[Output, Parameter(group="Output")]
MADE = ("backup", "made", "files", "size", "contradictions")
BACK = ("catalog", "backup", "made", "aside", "orders_aside", "contradictions")
CHECK = "`entrepot catalog check` says which contradictions"

app = App(
    name="catalog",
    help="Back up, restore, check or rebuild the catalog.",
    help_format="plaintext",
)
app.command(
    "cli.flows.commands:check_catalog",
    name="check",
    help="Audit the catalog itself (check-catalog).",
)
app.command(
    "cli.flows.commands:rebuild",
    name="rebuild",
    help="Learn anew what repositories hold, after a loss.",
)


@app.command
def backup(to: Path, *, output: Given = PLAIN) -> None:
    """Back the catalog up while it is in use: all that was acknowledged before is in it.

    Args:
        to: The folder to make; nothing may be there yet.
        output: How to print.
    """
    with open_catalog(output) as catalog:
        made = back_up(catalog, to)
        row = (to, made.made_at, len(made.parts), human(made.size), made.contradictions)
        rest = [
            f"not in it: {catalog.folder / name}, which holds bytes: copy it as you do other files"
            for name in made.left_out
        ]
        rest += [CHECK] if made.contradictions else []
        show(Table(MADE, [row], ("backup",), rest=tuple(rest)), output)


@app.command
def restore(
    source: Path,
    *,
    replace: Annotated[bool, Parameter(negative="")] = False,
    output: Given = PLAIN,
) -> None:
    """Let the catalog be what a backup holds; no run may be under way.

    Args:
        source: The folder of the backup.
        replace: Put a catalog that stands here aside first, with what waits for it.
        output: How to print.
    """
    with open_catalog(output) as catalog:
        done = put_back(catalog, source, replace=replace)
        row = (
            catalog.path,
            source,
            done.backup.made_at,
            done.aside,
            done.orders,
            done.audit.count,
        )
        rest = ["restart gateways, and sync or adopt what changed after the backup"]
        rest += [CHECK] if done.audit.count else []
        words = ("catalog", "backup", "aside")
        show(Table(BACK, [row], words, rest=tuple(rest)), output)
