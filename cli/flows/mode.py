"""Choose how this process runs verbs.

Verbs run directly unless a Prefect server is configured or a stored block is needed; the setting
ENTREPOT_PREFECT decides otherwise. What a verb needs is known once its arguments are read; if that
is Prefect, the process starts anew with it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import NoReturn

from catalog.settings import PrefectUse, Settings
from cli.command_list import BlockUse
from cli.terminal.quiet_prefect import load_quietly
from orchestration.errors import PrefectNeeded
from orchestration.mode import Mode, decided, prefect_loaded, use, uses_prefect
from orchestration.prefect_settings import read_prefect_settings
from orchestration.stored_names import CONTRACT, REPOSITORY, WEBHOOK, names_in

USE = "ENTREPOT_PREFECT"


def load_for_verb(blocks: BlockUse) -> None:
    """Load what a verb needs before its arguments are read.

    Raises:
        PrefectNeeded: the verb cannot run without Prefect, and the settings rule it out.
    """
    if decided():  # several verbs are loaded to suggest one for a word that is none
        if uses_prefect():
            load_quietly()
        return
    setting, server = Settings().prefect, read_prefect_settings().server
    if prefect_loaded() or first_mode(setting, server=server, blocks=blocks) is Mode.PREFECT:
        load_quietly()
    else:
        use(Mode.DIRECT)


def load_directly() -> None:
    """Load what a command needs that asks no server, unless Prefect is loaded already."""
    if not decided() and not prefect_loaded():
        use(Mode.DIRECT)


def first_mode(setting: PrefectUse, *, server: bool, blocks: BlockUse) -> Mode:
    """Return the mode in which a verb is loaded.

    >>> first_mode(PrefectUse.AUTO, server=False, blocks=BlockUse.SEARCHED)
    <Mode.DIRECT: 'direct'>
    """
    if setting is PrefectUse.NEVER:
        if blocks is BlockUse.LISTED:
            raise PrefectNeeded("the list of the stored repositories")
        return Mode.DIRECT
    needed = setting is PrefectUse.SERVER or server or blocks is BlockUse.LISTED
    return Mode.PREFECT if needed else Mode.DIRECT


def needs_prefect(blocks: BlockUse, arguments: Mapping[str, object]) -> bool:
    """Say whether a verb that was loaded without Prefect needs a stored block.

    Where the names of the blocks cannot be read, a verb that searches them does.
    """
    if Settings().prefect is not PrefectUse.AUTO:
        return False
    if blocks is BlockUse.LISTED:
        return True
    database = read_prefect_settings().database
    stored = {slug: names_in(database, slug) for slug in (REPOSITORY, WEBHOOK, CONTRACT)}
    if blocks is BlockUse.SEARCHED and stored[REPOSITORY] != frozenset():
        return True
    texts = set(_texts(arguments.values()))
    return any(names is not None and texts & names for names in stored.values())


def may_restart() -> bool:
    """Say whether this process may start anew with Prefect."""
    return Settings().prefect is PrefectUse.AUTO


def restart_with_prefect() -> NoReturn:
    """Replace this process by one with the same arguments that uses Prefect."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ[USE] = PrefectUse.SERVER.value
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves


def _texts(values: Iterable[object]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _texts(value.values())
        elif isinstance(value, list | tuple):
            yield from _texts(value)
