"""What several files of tests share."""

import os
import sys

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")  # figures are files here, in the processes that tests start as well
# what tests start would otherwise compile the package anew in every process
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# several tests run side by side: threads of the matrix library that wait for a busy core take ten times the work
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    """An empty current directory, and a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path
