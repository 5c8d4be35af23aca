"""Pages of docs/ as programs: their blocks of Python, shell and YAML run in their order."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import yaml

from catalog.catalog import Catalog
from cli.app import app
from tests.flows.stand_ins import write
from tests.servers.process import ROOT, listens, running

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>.+?) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
ENDS = re.compile(r"\s+# exits with (?P<code>\d+)$")
MODULE = re.compile(r"# (?P<file>[\w/]+\.py)\b")
DEFINES = re.compile(r"\w+=\S+|\w+\(\) \{.*\}")
COMMAND = re.compile(r"`((?:entrepot|prefect) [a-z][^`…]* [^`…]+)`")
IDS: Mapping[str, Callable[[Catalog], str]] = {
    "PLAN_ID": lambda catalog: next(
        str(one.plan_id) for one in catalog.runs.all() if one.plan_id is not None
    ),
    "RUN_ID": lambda catalog: next(
        one.run_id for one in catalog.runs.all() if one.kind in ("sync", "apply")
    ),
    "TOKEN_ID": lambda catalog: catalog.tokens.all()[-1].token_id,
}
"""What pages call an id that only the run before tells, and where it is to be found."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a page; one that is not run says why, in a comment before it."""

    language: str
    code: str
    reason: str | None


def blocks(page: str) -> tuple[Block, ...]:
    """Return the blocks of a page of docs/."""
    found = BLOCK.finditer((DOCS / page).read_text())
    return tuple(Block(one["language"], one["code"], one["reason"]) for one in found)


def commands(page: str) -> tuple[str, ...]:
    """Return the commands of a page that stand in its sentences and tables, with arguments."""
    return tuple(COMMAND.findall((DOCS / page).read_text()))


@dataclass(slots=True)
class Reader:
    """Somebody who does what a page says, with `names` of the page put in place of others.

    What is neither Python nor a shell nor what these print is taken by a reader of its `languages`.
    """

    page: str
    names: Mapping[str, str]
    languages: Mapping[str, Callable[[str], object]] = field(
        default_factory=dict[str, Callable[[str], object]]
    )
    here: dict[str, object] = field(default_factory=dict[str, object])
    printed: str = ""  # by the commands of the last block of shell
    defined: str = ""  # variables and functions of the shell
    served: ExitStack = field(default_factory=ExitStack)  # what goes on until the page ends

    def read(self, before: Mapping[int, Callable[[], object]] | None = None) -> None:
        """Run the page; `before` holds what happens outside just before a block, by its place."""
        ours = {
            "python": self.python,
            "sh": self.shell,
            "text": self.text,
            "yaml": deployments,
            **self.languages,
        }
        with self.served:
            for place, block in enumerate(one for one in blocks(self.page) if one.reason is None):
                if before and place in before:
                    before[place]()
                ours[block.language](self.put(block.code))

    def sentences(self, before: Mapping[str, Callable[[], object]] | None = None) -> None:
        """Run the commands that stand in sentences and tables; `before` goes by their text."""
        for command in commands(self.page):
            if before and command in before:
                before[command]()
            self.shell(self.put(command))

    def put(self, code: str) -> str:
        """Return the code with our servers and folders in place of those of the page."""
        for name, ours in self.names.items():
            code = code.replace(name, ours)
        return code

    def python(self, code: str) -> None:
        """Run Python, as a notebook does; names stay for the next block.

        A block that says in its first line which file it is becomes that file.
        """
        if module := MODULE.match(code):
            write(Path(), {module["file"]: code})
            return
        waits = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        done = eval(compile(code, self.page, "exec", flags=waits), self.here)  # noqa: S307 - our own page
        if inspect.iscoroutine(done):
            asyncio.run(done)

    def shell(self, code: str) -> None:
        """Run `entrepot` in this process, which saves seconds a command, and all else in bash.

        What serves until it is stopped goes on beside the rest of the page.
        """
        self.printed = ""
        for line in code.replace("\\\n", " ").splitlines():
            ends = ENDS.search(line)
            words = [identified(word) for word in shlex.split(line, comments=True)]
            if words[:2] in (["entrepot", "gateway"], ["prefect", "worker"]):
                self.serve(words)
            elif words[:1] == ["entrepot"]:
                self.entrepot(words[1:], int(ends["code"]) if ends else 0)
            elif words[:1] == ["export"]:
                name, _, value = words[1].partition("=")
                os.environ[name] = value
            elif DEFINES.fullmatch(line):
                self.defined += f"{line}\n"
            elif words:
                path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
                here = {**os.environ, **(at_prefect() if words[0] == "prefect" else {})}
                bash = ["bash", "-euc", self.defined + line]
                subprocess.run(bash, check=True, timeout=60, env={**here, "PATH": path})

    def entrepot(self, words: list[str], wanted: int = 0) -> None:
        """Run a command and compare how it ends."""
        ended: object = 0
        with redirect_stdout(StringIO()) as out:
            try:
                app()(words)
            except SystemExit as end:
                ended = end.code or 0
        self.printed += out.getvalue()
        assert ended == wanted, f"{self.page}: {words} ended with {ended}: {out.getvalue()}"

    def serve(self, words: list[str]) -> None:
        """Start a gateway or a worker; it lives until the page ends, and not shorter."""
        module = {"entrepot": "cli"}.get(words[0], words[0])
        log = Path(f"{words[1]}.log").resolve()

        def ready() -> bool:
            if "--port" in words:
                return listens(int(words[words.index("--port") + 1]))
            return "started!" in log.read_text()

        process = self.served.enter_context(
            running(
                [sys.executable, "-m", module, *words[1:]],
                ready,
                log=log,
                environment={**at_prefect(), "PYTHONUNBUFFERED": "1"},
            )
        )
        self.served.callback(lambda: self.alive(words, process))

    def alive(self, words: list[str], process: subprocess.Popen[bytes]) -> None:
        """Look whether what serves still does."""
        assert process.poll() is None, f"{self.page}: {words} ended with {process.returncode}"

    def text(self, code: str) -> None:
        """Compare what was printed, in words: `…` stands for what differs from time to time."""
        lines = [" ".join(line.split()) for line in self.printed.splitlines()]
        for wanted in (" ".join(line.split()) for line in code.splitlines()):
            shape = re.escape(wanted).replace("…", ".*")
            assert any(re.fullmatch(shape, line) for line in lines), f"{wanted!r} not in {lines}"


def at_prefect() -> dict[str, str]:
    """Return the environment of a program that asks the Prefect server which this process asks."""
    from prefect.settings import get_current_settings  # noqa: PLC0415 - imports Prefect

    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    return {**settings, "PYTHONPATH": str(ROOT)}


def identified(word: str) -> str:
    """Return a word of a command with the id that it stands for."""
    known = IDS.get(word)
    return word if known is None else known(Catalog.open())


def deployments(code: str) -> None:
    """Hold the deployments of a `prefect.yaml` against the flows that they name."""
    for one in yaml.safe_load(code)["deployments"]:
        module, _, name = one["entrypoint"].rpartition(".")
        flow: Any = getattr(import_module(module), name)
        flow.validate_parameters(one["parameters"])
        assert all(len(schedule["cron"].split()) == 5 for schedule in one["schedules"])
