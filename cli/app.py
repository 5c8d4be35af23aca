"""The command `entrepot`: finds the command that is meant, and loads only that."""

from __future__ import annotations

from importlib.metadata import version

from cyclopts import App, Group, Parameter

from cli.command_list import EVERY, GROUPS, VERBS

HELP = """Move files between any two storages, check every byte, remember every version.

A repository is the name of a stored block, a path (with a slash) or a URL."""
EPILOGUE = (
    "Exit codes: 0 well, 1 some files failed, 2 wrong use, 3 a plan was refused, "
    "4 unreachable, 130 and 143 stopped. Settings: ENTREPOT_*, PREFECT_API_URL."
)


def app() -> App:
    """Make the application; its commands are loaded when they are run."""
    made = App(
        name="entrepot",
        help=HELP,
        help_epilogue=EPILOGUE,
        version=lambda: version("entrepot"),
        help_format="plaintext",
        default_parameter=Parameter(negative_iterable=()),
    )
    groups = {name: Group(name, sort_key=place) for place, name in enumerate(GROUPS)}
    for command in EVERY:
        place = command.place
        if command in VERBS:
            place = f"cli.flows.commands:{place.rpartition(':')[2]}"
        made.command(place, name=command.name, help=command.help, group=groups[command.group])
    made.register_install_completion_command(help="Install completion for your shell.")
    return made


def main() -> None:
    """Run the command that the arguments name."""
    app()()
