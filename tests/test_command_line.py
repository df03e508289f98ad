"""Help, completion and exit status of the command line, next to what its page says."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from sidejump.app import guard, terminal
from sidejump.app.cli import app, main
from sidejump.app.examples import EXAMPLES

PAGE = (Path(__file__).parent.parent / "docs" / "command_line.md").read_text()
COMMANDS = typer.main.get_command(app).commands


def test_every_command_has_examples_and_a_line_on_the_page():
    assert set(EXAMPLES) == set(COMMANDS)
    for name in set(COMMANDS) - {"input-reference"}:
        assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_examples(name, capsys):
    assert main([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert [x.strip() for x in out[out.index("Examples:") :].splitlines()[1:] if x.strip()] == list(EXAMPLES[name])


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_examples_are_understood(line):
    """Options and arguments are those that there are; nothing is run."""
    words = shlex.split(line.partition(" > ")[0], comments=True)
    assert words[0] == "sidejump"
    COMMANDS[words[1]].make_context(words[1], words[2:])


def test_lines_of_the_page_are_understood():
    blocks = "".join(re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL))
    lines = re.findall(r"^(?:srun .* -m )?(sidejump [a-z].*)$", blocks, re.MULTILINE)
    lines += re.findall(r'"(sidejump merge .*?)"', blocks)
    assert len(lines) == 7
    for line in lines:
        words = shlex.split(re.sub(r"\$\(\(.*?\)\)|\$\w+", "8", line), comments=True)
        COMMANDS[words[1]].make_context(words[1], words[2:])


def test_a_line_a_minute():
    assert terminal._EVERY == 60.0 and "one line a minute" in PAGE


# --- completion -------------------------------------------------------------------------------------------------------

WORDS = [
    ("sidejump ini", 1, {"init"}),
    ("sidejump run --tol", 2, {"--tolerance"}),
    ("sidejump init wan", 2, {"wannier90"}),
    ("sidejump init weyl -s imp", 4, {"impurity"}),
    ("sidejump separate --law h", 3, {"hou"}),
]


def program(**environment):
    return subprocess.run(
        [sys.executable, "-c", "import sys; from sidejump.app.cli import main; sys.exit(main())"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def completed(shell, line, position):
    """What the shell is told in place of a command, by its environment."""
    return {
        "bash": {"_SIDEJUMP_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(position)},
        "zsh": {"_SIDEJUMP_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": line},
        "fish": {
            "_SIDEJUMP_COMPLETE": "complete_fish",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "_TYPER_COMPLETE_ARGS": line,
        },
    }[shell]


@pytest.mark.parametrize(("line", "position", "words"), WORDS)
def test_words_are_completed(line, position, words, monkeypatch, capfd):
    """Asked for within this process; each shell asks a process once below."""
    for shell in ("bash", "zsh", "fish"):
        with monkeypatch.context() as environment, pytest.raises(SystemExit):
            for name, value in completed(shell, line, position).items():
                environment.setenv(name, value)
            main([])
        out = capfd.readouterr().out
        if shell == "zsh":
            assert all(word in out for word in words), out
        else:
            assert {x.split("\t")[0] for x in out.splitlines()} == words, out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_process_completes(shell):
    line, position, [word] = WORDS[0]
    done = program(**completed(shell, line, position))
    assert word in done.stdout and not done.stderr


@pytest.mark.parametrize(
    ("shell", "sign"), [("bash", "complete -o"), ("zsh", "#compdef sidejump"), ("fish", "complete --command sidejump")]
)
def test_each_shell_has_its_script(shell, sign):
    made = program(_SIDEJUMP_COMPLETE=f"source_{shell}")
    assert sign in made.stdout and f"source_{shell} sidejump" in PAGE


def test_bash_itself_completes(tmp_path):
    (tmp_path / "sidejump").write_text(f'#!/bin/sh\nexec {sys.executable} -m sidejump "$@"\n')
    (tmp_path / "sidejump").chmod(0o755)
    script = """
    source <(_SIDEJUMP_COMPLETE=source_bash sidejump)
    COMP_WORDS=(sidejump ini) COMP_CWORD=1
    _sidejump_completion sidejump
    echo "${COMPREPLY[@]}"
    """
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", script], env=os.environ | {"PATH": path}, capture_output=True, text=True)
    assert done.stdout.split() == ["init"], done.stderr


# --- exit status ------------------------------------------------------------------------------------------------------


def raising(error):
    def command():
        raise error

    return command


def test_the_page_has_every_exit_status(empty_folder):
    listed = {int(x) for x in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    found = {
        main(["models"]),
        guard.guarded(raising(KeyError("surprise"))),
        main(["run", "missing.toml"]),
        guard.guarded(raising(KeyboardInterrupt())),
        guard.guarded(lambda: os.kill(os.getpid(), signal.SIGTERM)),
    }
    assert found == listed == {0, 1, 2, guard.INTERRUPTED, guard.TERMINATED}


def test_the_end_by_a_signal_is_that_of_one_command():
    """A program that calls it has its own way to end, before and after."""
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    seen = []
    assert guard.guarded(lambda: seen.append(signal.getsignal(signal.SIGTERM))) == 0
    assert seen[0] is not signal.SIG_DFL and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_closed_output_is_no_defect():
    """`sidejump models >&-`, as a batch system may start it."""
    code = (
        "import os, sys; os.close(1); sys.stdout = None; from sidejump.app.cli import main; sys.exit(main(['models']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
