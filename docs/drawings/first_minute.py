"""The first minute in a terminal as a picture: python docs/drawings/first_minute.py docs/img/first_minute.svg [WHEEL]

Runs the commands in an empty folder and draws what they say; with a wheel, in an environment that pip installs it into.
"""

import io
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from rich.console import Console
from rich.text import Text

COMMANDS = (
    "sidejump init dirac",
    "sidejump run dirac.toml",
    "sidejump plot dirac.nc --kind scaling -o scaling.png",
    "sidejump report dirac.nc",
)
WIDTH = 108
LONGEST = 24  # lines of one command


def said(command: list[str], folder: Path, path: str) -> list[str]:
    """Lines of output and error of a command, which has to succeed."""
    environment = os.environ | {"PATH": path, "COLUMNS": str(WIDTH), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    )
    return [line.rstrip() for line in done.stdout.splitlines() if line.strip()]


def main(target: Path, wheel: Path | None) -> None:
    """Draw the picture."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "work"
        folder.mkdir()
        if wheel is not None:
            venv.create(Path(name) / "venv", with_pip=True)
            path = os.pathsep.join([str(Path(name) / "venv" / "bin"), os.environ["PATH"]])
            lines = said(["pip", "install", "--quiet", f"{wheel.resolve()}[report]"], folder, path)
            show(console, f'pip install "{wheel.name}[report]"', [line for line in lines if "sidejump" in line])
        for command in COMMANDS:
            show(console, command, said(command.split(), folder, path))
    drawn = console.export_svg(title="the first minute")
    target.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.S))  # fonts of the reader, from no server


def show(console: Console, command: str, lines: list[str]) -> None:
    """A command and what it said."""
    console.print(Text(f"$ {command}", style="bold green"))
    kept = lines if len(lines) <= LONGEST else [*lines[: LONGEST // 2], "...", *lines[-LONGEST // 2 :]]
    for line in kept:
        console.print(Text(line))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
