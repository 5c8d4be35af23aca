"""The command `entrepot`: loads only the subcommand that was called."""

from __future__ import annotations

from importlib.metadata import version

from cyclopts import App, Group, Parameter

from cli.command_list import COMMANDS, GROUPS, VERBS

HELP = """Move files between any two storages, check every byte, remember every version.

A repository is the name of a stored block, a path (with a slash) or a URL."""
EPILOGUE = (
    "Exit codes: 0 success, 1 some files failed, 2 usage error, 3 a plan was refused, "
    "4 unreachable, 130 and 143 interrupted. Settings: ENTREPOT_*, PREFECT_API_URL."
)


def app() -> App:
    """Create the application; a command is loaded when it runs."""
    application = App(
        name="entrepot",
        help=HELP,
        help_epilogue=EPILOGUE,
        version=lambda: version("entrepot"),
        help_format="plaintext",
        default_parameter=Parameter(negative_iterable=()),
    )
    groups = {name: Group(name, sort_key=order) for order, name in enumerate(GROUPS)}
    for command in COMMANDS:
        place = command.place
        if command in VERBS:
            place = f"cli.flows.commands:{place.rpartition(':')[2]}"
        application.command(
            place, name=command.name, help=command.help, group=groups[command.group]
        )
    application.register_install_completion_command(help="Install completion for your shell.")
    return application


def main() -> None:
    """Run the command that the arguments name."""
    app()()
