"""Pages of docs/ as programs: their blocks of Python, shell and YAML run in their order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import yaml

from cli.app import app

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>.+?) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
ENDS = re.compile(r"\s+# exits with (?P<code>\d+)$")


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


@dataclass(slots=True)
class Reader:
    """Somebody who does what a page says, with `names` of the page put in place of others."""

    page: str
    names: Mapping[str, str]
    here: dict[str, object] = field(default_factory=dict[str, object])
    printed: str = ""  # by the commands of the last block of shell

    def read(self, before: Mapping[int, Callable[[], object]] | None = None) -> None:
        """Run the page; `before` holds what happens outside just before a block, by its place."""
        for place, block in enumerate(one for one in blocks(self.page) if one.reason is None):
            if before and place in before:
                before[place]()
            RUN[block.language](self, self.put(block.code))

    def put(self, code: str) -> str:
        """Return the code with our servers and folders in place of those of the page."""
        for name, ours in self.names.items():
            code = code.replace(name, ours)
        return code

    def python(self, code: str) -> None:
        """Run Python; names stay for the next block."""
        exec(compile(code, self.page, "exec"), self.here)  # noqa: S102 - our own page

    def shell(self, code: str) -> None:
        """Run `entrepot` in this process, which saves seconds a command, and all else in bash."""
        self.printed = ""
        for line in code.replace("\\\n", " ").splitlines():
            ends = ENDS.search(line)
            words = shlex.split(line, comments=True)
            if words[:1] == ["entrepot"]:
                self.entrepot(words[1:], int(ends["code"]) if ends else 0)
            elif words[:1] == ["export"]:
                name, _, value = words[1].partition("=")
                os.environ[name] = value
            elif words:
                subprocess.run(["bash", "-euc", line], check=True, timeout=60)

    def entrepot(self, words: list[str], wanted: int) -> None:
        """Run a command and compare how it ends."""
        ended: object = 0
        with redirect_stdout(StringIO()) as out:
            try:
                app()(words)
            except SystemExit as end:
                ended = end.code or 0
        self.printed += out.getvalue()
        assert ended == wanted, f"{self.page}: {words} ended with {ended}"

    def text(self, code: str) -> None:
        """Compare what was printed, in words: `…` stands for what differs from time to time."""
        lines = [" ".join(line.split()) for line in self.printed.splitlines()]
        for wanted in (" ".join(line.split()) for line in code.splitlines()):
            shape = re.escape(wanted).replace("…", ".*")
            assert any(re.fullmatch(shape, line) for line in lines), f"{wanted!r} not in {lines}"

    def deployments(self, code: str) -> None:
        """Hold the deployments of a `prefect.yaml` against the flows that they name."""
        for one in yaml.safe_load(code)["deployments"]:
            module, _, name = one["entrypoint"].rpartition(".")
            flow: Any = getattr(import_module(module), name)
            flow.validate_parameters(one["parameters"])
            assert all(len(schedule["cron"].split()) == 5 for schedule in one["schedules"])


RUN: dict[str, Callable[[Reader, str], None]] = {
    "python": Reader.python,
    "sh": Reader.shell,
    "text": Reader.text,
    "yaml": Reader.deployments,
}
