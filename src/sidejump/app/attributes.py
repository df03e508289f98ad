"""Whatever a run reports, in the few types that a netCDF attribute can have."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil


def attribute(value):
    """A number or text as it is, a truth value as 0 or 1, anything else as JSON."""
    value = plain(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float, str)):
        return value
    return json.dumps(value)


def plain(value):
    """Python's own types, as JSON knows them: arrays as lists, what is not a number as null inside of lists."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(k): _inner(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_inner(v) for v in value]
    if isinstance(value, complex):
        return [value.real, value.imag]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _inner(value):
    value = plain(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def provenance() -> dict:
    """When, with what and on what."""
    packages = ("sidejump", "numpy", "scipy", "xarray", "h5py")
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def present_memory() -> float:
    """Memory (bytes) that this process holds now."""
    return float(psutil.Process().memory_info().rss)


def peak_memory() -> float:
    """Most memory (bytes) that this process has held since it started."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux: its ru_maxrss may be that of the parent
        found = re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(), re.M)
        if found:
            return 1024.0 * int(found.group(1))
    try:
        import resource
    except ImportError:  # Windows
        return float(getattr(psutil.Process().memory_info(), "peak_wset", math.nan))
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit
