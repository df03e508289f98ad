"""The first minutes in a terminal as they went: python docs/drawings/first_minute.py docs/img/first_minute.svg WHEEL

Makes an empty environment, types the commands into a shell in an empty folder, installation included, and records what
the terminal shows, and when.  Waits longer than `PATIENCE` are shortened, and the picture says so in the bar that its
clock is in; the clock is the real one.
"""

from __future__ import annotations

import os
import select
import shutil
import sys
import tempfile
import time
import venv
from pathlib import Path

import pyte
from moving import Frame, line_of, moving_picture
from ptyprocess import PtyProcess

COMMANDS = (
    'pip install -q "{wheel}[report]"',
    "sidejump init dirac",
    "sidejump run dirac.toml",
    "sidejump plot dirac.nc --kind scaling -o scaling.png",
    "sidejump report dirac.nc",
)
PATIENCE = 1.2  # seconds that a wait takes in the picture at most
TITLE = f"from the wheel to a result (waits shortened to {PATIENCE:g} s)"
COLUMNS, ROWS = 108, 60
PROMPT = "$"
KEY = 0.06  # seconds between two keys
STEP = 0.12  # between two frames at least
LONGEST = 600.0  # of a command


class Terminal:
    """A shell, its screen, and all that the screen has been."""

    def __init__(self, folder: Path, path: str):
        environment = {
            "PATH": path,
            "HOME": str(folder),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "PS1": PROMPT + " ",
        }
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "OMP_", "OPENBLAS_"))}
        self.shell = PtyProcess.spawn(
            ["bash", "--norc", "--noprofile", "-i"], cwd=folder, env=kept | environment, dimensions=(ROWS, COLUMNS)
        )
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        self._started = time.perf_counter()
        self.seen: list[tuple[float, tuple]] = []

    def read(self, seconds: float) -> None:
        """Show what comes in this time."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self.shell.fd], [], [], left)[0]:
                self._stream.feed(self.shell.read(65536))
                self.see()

    def see(self) -> None:
        """Keep the screen if it has changed."""
        buffer = self.screen.buffer
        lines = [line_of([buffer[row][column] for column in range(COLUMNS)]) for row in range(ROWS)]
        while lines and not lines[-1]:
            lines.pop()
        if len(lines) == ROWS:
            raise RuntimeError(f"the session has more than {ROWS} lines")
        if not self.seen or self.seen[-1][1] != tuple(lines):
            self.seen.append((time.perf_counter() - self._started, tuple(lines)))

    def waits(self) -> bool:
        """Whether the shell waits for a command."""
        return self.screen.display[self.screen.cursor.y].rstrip() == PROMPT and self.screen.cursor.x == len(PROMPT) + 1

    def wait(self) -> None:
        """Until the prompt is there again."""
        end = time.perf_counter() + LONGEST
        while not self.waits():
            if time.perf_counter() > end:
                raise TimeoutError("\n".join(self.screen.display))
            self.read(0.05)

    def type(self, command: str) -> None:
        """Key by key, and wait for the end; RuntimeError if it failed."""
        for key in command:
            self.shell.write(key.encode())
            self.read(KEY)
        self.shell.write(b"\r")
        self.read(0.2)
        self.wait()


def frames_of(seen: list[tuple[float, tuple]]) -> list[Frame]:
    """At most one screen for each `STEP`, waits shortened."""
    found: list[Frame] = []
    for i, (true, lines) in enumerate(seen):
        last = i == len(seen) - 1
        if not last and seen[i + 1][0] - true < STEP and found and true - found[-1].true < STEP:
            continue  # gone before it could be read
        shown = found[-1].shown + min(true - found[-1].true, PATIENCE) if found else 0.0
        found.append(Frame(shown, true, lines))
    return found


def main(target: Path, wheel: Path) -> None:
    """Record, and draw the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "work"
        folder.mkdir()
        shutil.copy(wheel, folder)
        venv.create(Path(name) / "venv", with_pip=True)
        terminal = Terminal(folder, os.pathsep.join([str(Path(name) / "venv" / "bin"), os.environ["PATH"]]))
        terminal.wait()
        for command in COMMANDS:
            terminal.type(command.format(wheel=wheel.name))
        for file in ("dirac.nc", "dirac.png", "scaling.png", "dirac.html"):
            if not (folder / file).stat().st_size:
                raise RuntimeError(f"{file} is empty")
        terminal.shell.terminate(force=True)
    target.write_text(moving_picture(frames_of(terminal.seen), TITLE, COLUMNS))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
