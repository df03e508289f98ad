"""One line of the append-only log for each benchmark run."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import date
from pathlib import Path

LOG = Path(__file__).with_name("log.jsonl")


def record(benchmark: str, figures: dict) -> None:
    """Append date, machine, commit and figures to ``log.jsonl``."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=LOG.parent, capture_output=True, text=True, check=False
    ).stdout.strip()
    line = {
        "date": date.today().isoformat(),
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "commit": commit,
        "benchmark": benchmark,
        "figures": figures,
    }
    with LOG.open("a") as stream:
        stream.write(json.dumps(line) + "\n")
