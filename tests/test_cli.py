"""The command line: what it prints, refuses and leaves behind; every mistake is one sentence and exit status 2."""

import inspect
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import sidejump as sj
from sidejump import outputs
from sidejump.accuracy.study import TOLERANCE
from sidejump.app import config, guard, results, schema, terminal
from sidejump.app.build import bloch_gruneisen_temperature, build_electrons, build_scatterers, build_temperatures
from sidejump.app.cli import main
from sidejump.errors import InputError
from sidejump.plot import temperature as plots
from sidejump.transport import TransportSettings

EXAMPLES = Path(__file__).parent.parent / "examples"

ELECTRONS = """
[electrons]
model = "massive_dirac"
mass = 0.1
velocity = 3.0
chemical_potential = 0.2
"""
PHONONS = """
[[scattering]]
kind = "acoustic_deformation_potential"
deformation_potential = 5.0
sound_velocity = 2000.0
mass_density = 7.6e-7
"""
REST = """
[temperature]
values = [20, 50]

[solver]
energy_nodes = 1
tolerance = 0.3
"""
BASE = ELECTRONS + PHONONS + REST


@pytest.fixture
def folder(empty_folder):
    return empty_folder


@pytest.fixture
def refused(folder, capsys):
    """A function that runs an input and returns the one sentence with which it is refused."""

    def run(text, *options):
        (folder / "in.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        status = main(["run", "in.toml", "-o", "out.nc", "--quiet", *options])
        out, err = capsys.readouterr()
        assert status == 2, err
        assert out == "" and err.startswith("error: ") and err.count("\n") == 1
        assert before == {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        return err

    return run


def command(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "sidejump.app.cli", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300
    )


def test_the_package_is_a_program(folder):
    found = subprocess.run(
        [sys.executable, "-m", "sidejump", "--version"], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert found.returncode == 0 and found.stdout.startswith("sidejump ") and not found.stderr


@pytest.mark.parametrize(
    ("count", "words"),
    [(5e5, "less than 1 MB"), (2.4e8, "240 MB"), (2.44e6, "2.4 MB"), (9.996e8, "1.0 GB"), (1.24e10, "12 GB")],
)
def test_sizes_in_words(count, words):
    assert terminal.size(count) == words


# --- what a good run does ------------------------------------------------------------------------------------------


def test_a_run_from_the_shell(tmp_path):
    text = BASE + 'expert = {geometry = "shared", accuracy = 0.3}\n'
    (tmp_path / "in.toml").write_text(text)
    done = command("run", "in.toml", "-o", "out.nc", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # estimate, then progress, then what was written; the table alone on standard output
    estimate, progress, wrote = (done.stderr.index(x) for x in ("estimate: 2 temp", "kinetic equation", "wrote out.nc"))
    assert estimate < progress < wrote
    assert " operations" in done.stderr[estimate:progress]
    assert "sigma_xx" in done.stdout and "side" in done.stdout and "…" not in done.stdout
    assert max(len(line.rstrip()) for line in done.stdout.splitlines()) <= 80
    with xr.open_dataset(tmp_path / "out.nc") as dataset:
        assert [dataset.sizes[name] for name in ("temperature", "a", "b")] == [2, 2, 2]
        # intrinsic part of the massive Dirac model at low temperature: Delta / (2 e_F) e^2/h
        assert abs(float(dataset.sigma_intrinsic.isel(temperature=0).sel(a="y", b="x")) - 0.25) < 1e-3
        assert dataset.attrs["input"] == text
    assert (tmp_path / "out.png").read_bytes()[:4] == b"\x89PNG"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.toml", "out.nc", "out.png"]


def test_existing_results_are_kept_unless_forced(folder, capsys):
    (folder / "in.toml").write_text(BASE)
    (folder / "out.nc").write_text("kept")
    assert main(["run", "in.toml", "-o", "out.nc", "-q"]) == 2 and "--force" in capsys.readouterr().err
    (folder / "other.png").write_text("kept")
    assert main(["run", "in.toml", "-o", "other.nc", "-q"]) == 2 and "other.png" in capsys.readouterr().err
    assert (folder / "out.nc").read_text() == (folder / "other.png").read_text() == "kept"
    assert not (folder / "other.nc").exists()
    assert main(["run", "in.toml", "-o", "out.nc", "-q", "--force"]) == 0
    assert xr.open_dataset(folder / "out.nc").sizes["temperature"] == 2


def test_names_in_the_output_section(folder, capsys):
    (folder / "in.toml").write_text(BASE + '\n[output]\nfile = "named.nc"\nfigure = "named.pdf"\n')
    assert main(["run", "in.toml", "-q"]) == 0
    assert capsys.readouterr().err == "wrote named.nc and named.pdf\n"
    assert (folder / "named.pdf").read_bytes()[:4] == b"%PDF" and (folder / "named.nc").exists()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1", "cp1252"])
def test_a_text_in_another_encoding_is_no_mistake(folder, encoding):
    """As editors of other systems save it, with a comment that is not ASCII."""
    (folder / "in.toml").write_bytes(("# \xb5 = 0.2 eV, f\xfcr Graphen\r\n" + BASE).encode(encoding))
    settings = config.read_input("in.toml")
    assert len(settings.scattering) == 1 and settings.electrons.mass == 0.1


def test_an_endless_or_huge_input_is_refused(folder, capsys):
    with (folder / "in.toml").open("wb") as stream:
        stream.truncate(2 * 10**9)
    os.mkfifo(folder / "pipe.toml")
    for name, words in (("in.toml", "in.toml: holds more than"), ("pipe.toml", "pipe.toml: is a pipe")):
        assert main(["run", name]) == 2
        err = capsys.readouterr().err
        assert words in err and err.count("\n") == 1


# --- mistakes in the input ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("mass = 0.1", "mas = 0.1", ['unknown key "mas"', 'did you mean "mass"']),
        ("mass = 0.1\n", "", ["[electrons] mass is missing", "eV"]),
        ("mass = 0.1", 'mass = "0.1 eV"', ['mass = "0.1 eV"', "plain number"]),
        ("mass = 0.1", "mass = true", ["plain number"]),
        ("mass = 0.1", "mass = nan", ["finite"]),
        ("mass = 0.1", "mass = inf", ["finite"]),
        ("velocity = 3.0", "velocity = -3.0", ["velocity = -3.0", "above 0"]),
        ("velocity = 3.0", "velocity = 3.0\ntilt = [1.0]", ["tilt, number 2"]),
        ("velocity = 3.0", "velocity = 3.0\ntilt = [5.0, 0.0]", ["in.toml", "tilt", "open"]),
        ('model = "massive_dirac"', 'model = "masive_dirac"', ['"masive_dirac"', 'did you mean "massive_dirac"']),
        ('model = "massive_dirac"\n', "", ["model is missing", "wannier90"]),
        ("chemical_potential = 0.2", "chemical_potential = 0.05", ["gap", "0.05"]),
        ("chemical_potential = 0.2", "chemical_potential = 200", ["chemical_potential = 200 eV", "not meV"]),
        ("[20, 50]", "[20, -50]", ["temperature", "number 2", "-50", "above 0"]),
        ("[20, 50]", "[20, 50, 20]", ["lists 20 twice"]),
        ("[20, 50]", "[]", ["empty"]),
        ("[20, 50]", "20", ["list"]),
        ("[20, 50]", '["20 K"]', ['"20 K"', "plain number"]),
        ("[20, 50]", '[20]\nunit = "C"', ['unit = "C"', '"K" or "T_BG"']),
        ("[20, 50]", "[20]\nminimum = 3", ["not both"]),
        ("values = [20, 50]", "minimum = 10\nmaximum = 5\nnumber = 3", ["maximum = 5", "minimum = 10"]),
        ("values = [20, 50]", "minimum = 10\nmaximum = 50\nnumber = 3.5", ["whole number"]),
        ("[20, 50]", "[20, 1e-9]", ["T = 1e-09 K: nothing scatters", "use temperatures above"]),
        ("energy_nodes = 1", "energy_nodes = 9\nmemory = 1e-5", ["memory"]),
        ("energy_nodes = 1", "energy_nodes = 0", ["energy_nodes = 0", '"auto"']),
        ("tolerance = 0.3", "[solver.expert]\nlevels = 9", ["[solver.expert] levels = 9", "at most 5"]),
        ("energy_nodes = 1", "levels = 1", ["levels is chosen by the program", "tolerance = 0.01", "[solver.expert]"]),
        ("tolerance = 0.3", "tolerance = 0", ["tolerance = 0", "above 0"]),
        ("tolerance = 0.3", "tolerance = 1.5", ["tolerance = 1.5", "below 1"]),
        ("tolerance = 0.3", "time = -1", ["time = -1", "above 0"]),
        ("energy_nodes = 1", 'approximation = "rta"', ['"serta"']),
        ("tolerance = 0.3", "[solver.intrinsic]\nmes = 20", ["[solver.intrinsic]", '"mesh"']),
        ("tolerance = 0.3", "[solver.intrinsic]\nmesh = 20", ["mesh", "Brillouin zone"]),
        ("sound_velocity = 2000.0\n", "", ["number 1", "sound_velocity is missing", "m/s"]),
        ("mass_density = 7.6e-7", "mass_density = -1.0", ["mass_density", "above 0"]),
        ("deformation_potential = 5.0", "deformation_potential = 0.0", ["do not scatter"]),
        ("mass_density = 7.6e-7", 'mass_density = 1e-6\nvertex = "sigma_w"', ["sigma_w", '"sigma_z"']),
        ("mass_density = 7.6e-7", "mass_density = 1e-6\nvertex = [[1,0,0],[0,1,0],[0,0,1]]", ["(3, 3)", "(2, 2)"]),
        ("mass_density = 7.6e-7", "mass_density = 1e-6\nvertex = [[1,2],[0,1]]", ["not Hermitian"]),
        ("mass_density = 7.6e-7", "mass_density = 1e-6\nvertex = [[nan,0],[0,1]]", ["not finite"]),
        ('"acoustic_deformation_potential"', '"sound"', ['kind = "sound"', "polar_optical"]),
        ('"acoustic_deformation_potential"', '"acoustic"', ['did you mean "acoustic_deformation_potential"?']),
        ("[[scattering]]", "[scattering]", ["two brackets"]),
        (PHONONS, "", ["section [[scattering]] is missing"]),
        ("[solver]", "[solver", ["TOML", "line"]),
        ("[solver]", "[solvr]", ["[solvr]", '"solver"']),
    ],
)
def test_a_mistake_is_one_sentence(refused, old, new, words):
    assert old in BASE
    sentence = refused(BASE.replace(old, new))
    for word in words:
        assert word in sentence


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ('kind = "impurity"\ncorrelation = "zero_range"\ndensity = 1e11', ["strength is missing", "eV nm^2"]),
        (
            'kind = "impurity"\ncorrelation = "zero_range"\ndensity = 1e11\nstrength = 1.0\nscreening_length = 2.0',
            ["screening_length has no meaning"],
        ),
        ('kind = "impurity"\ncorrelation = "gauss"\ndensity = 1e11', ['"gaussian"']),
        (
            'kind = "polar_optical"\nphonon_energy = 0.03\ndielectric_infinity = 9\ndielectric_static = 11',
            ["thickness is missing"],
        ),
        ('kind = "electron_phonon"', ['model = "epw"']),
    ],
)
def test_a_mistake_in_a_scatterer_is_one_sentence(refused, section, words):
    sentence = refused(f"{ELECTRONS}{PHONONS}\n[[scattering]]\n{section}\n{REST}")
    assert "[[scattering]] number 2" in sentence
    for word in words:
        assert word in sentence


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no input"),
        (b"# nothing\n", "no input"),
        (b"\xff\xfe\x00", "not a text file"),
        (b"\x00", "not a text file"),
    ],
)
def test_files_that_are_no_input(refused, content, word):
    assert word in refused(content)


def test_missing_file_and_directory(folder, capsys):
    (folder / "d").mkdir()
    for name, word in (("nothing.toml", "no such file"), ("d", "is a directory"), ("d/x/y.toml", "no such file")):
        assert main(["run", name]) == 2
        assert word in capsys.readouterr().err


# --- data files -------------------------------------------------------------------------------------------------------

TB = " written\n 3 0 0\n 0 3 0\n 0 0 3\n 1\n 1\n 1\n\n 0 0 0\n 1 1 {energy} 0.0\n\n 0 0 0\n 1 1 0 0 0 0 0 0\n"


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("x_tb.dat", None, "no such file"),
        ("x.dat", b"", "SEEDNAME_tb.dat"),
        ("x_tb.dat", b"", "truncated"),
        ("x_tb.dat", TB[:60].encode(), "truncated"),
        ("x_tb.dat", b"\x89HDF\xff\x00", "x_tb.dat: is not a text file"),
        ("x_tb.dat.gz", b"not gzip", "cannot be read"),
        ("x_tb.dat", TB.format(energy="nan").encode(), "not finite"),
        (
            "x_tb.dat",
            TB.format(energy="1.0").replace("1 1 0 0", "1 1 nan 0").encode(),
            'x_tb.dat: truncated or not a Wannier90 file ("nan" is not finite)',
        ),
        ("x_tb.dat", TB.format(energy="1.0").replace("0 3 0", "3 0 0").encode(), "no volume"),
        ("x_tb.dat", TB.format(energy="1.0").encode(), "no electronic state"),
    ],
)
def test_wannier_files_that_cannot_be_used(refused, folder, name, content, word):
    if content is not None:
        (folder / name).write_bytes(content)
    electrons = f'\n[electrons]\nmodel = "wannier90"\nfile = "{name}"\nfermi_energy = 5.0\n'
    sentence = refused(electrons + PHONONS + REST)
    assert word in sentence


def test_a_directory_in_place_of_a_data_file(refused, folder):
    (folder / "x_tb.dat").mkdir()
    electrons = '\n[electrons]\nmodel = "wannier90"\nfile = "x_tb.dat"\nfermi_energy = 5.0\n'
    assert "x_tb.dat: is a directory" in refused(electrons + PHONONS + REST)


@pytest.mark.parametrize(("model", "key"), [("epw", "directory"), ("perturbo", "file"), ("compact", "file")])
def test_first_principles_files_that_are_not_there(refused, model, key):
    electrons = f'\n[electrons]\nmodel = "{model}"\n{key} = "nowhere"\nfermi_energy = 5.0\n'
    assert "nowhere: no such" in refused(electrons + PHONONS + REST)


# --- output that cannot be written ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "word"),
    [("d", "is a directory"), ("x.txt", ".nc"), ("in.toml", ".nc"), ("nowhere/x.nc", "does not exist")],
)
def test_targets_that_are_refused(folder, capsys, target, word):
    (folder / "d").mkdir()
    (folder / "in.toml").write_text(BASE)
    assert main(["run", "in.toml", "-o", target, "--force"]) == 2
    err = capsys.readouterr().err
    assert word in err and err.count("\n") == 1
    assert (folder / "in.toml").read_text() == BASE


def test_an_input_is_never_a_target(folder):
    (folder / "in.nc").write_text(BASE)
    with pytest.raises(InputError, match="input of this run"):
        outputs.check_target("in.nc", force=True, endings=outputs.DATASETS, inputs=("in.nc",))


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that is closed to root as well")
def test_a_folder_without_permission(folder, capsys):
    (folder / "in.toml").write_text(BASE)
    assert main(["run", "in.toml", "-o", "/sys/kernel/x.nc"]) == 2
    assert "x.nc: cannot be written (" in capsys.readouterr().err


def test_a_full_disk_leaves_what_was_there(folder, monkeypatch, capsys):
    """Full when the result is to be written: the numbers are on the screen, and the old file is whole."""
    (folder / "in.toml").write_text(BASE)
    (folder / "out.nc").write_text("kept")

    def full(self, content):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert main(["run", "in.toml", "-o", "out.nc", "--force"]) == 2
    out, err = capsys.readouterr()
    assert "error: out.nc: cannot be written (No space left on device)" in err and "sigma_xx" in out
    assert (folder / "out.nc").read_text() == "kept"
    assert sorted(p.name for p in folder.iterdir()) == ["in.toml", "out.nc"]


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_disk_without_room_is_found_before_the_run(folder):
    """The largest file that the process may write stands for what is left of the disk."""
    (folder / "in.toml").write_text(BASE)
    script = (
        "import resource, sys; from sidejump.app import cli, run;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000,) * 2);"
        "run.Job.run = lambda *_: sys.exit(77); sys.exit(cli.main(['run', 'in.toml', '-o', 'out.nc']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stderr
    assert "out.nc: there is no room for the result, which takes up to" in done.stderr
    assert done.stderr.count("\n") == 1 and [p.name for p in folder.iterdir()] == ["in.toml"]


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.usefixtures("pages")
def test_the_room_taken_holds_result_and_figure(folder, count):
    text = BASE.replace("[20, 50]", str(np.linspace(5, 60, count).tolist()))
    (folder / "in.toml").write_text(text + 'expert = {geometry = "shared", accuracy = 0.3}\n')
    assert main(["run", "in.toml", "-q"]) == 0
    assert sum((folder / name).stat().st_size for name in ("in.nc", "in.png")) < 0.7 * results.largest_size(count)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a copy of this process")
def test_killed_between_result_and_figure(folder, pages, capsys, killed):
    """The result is whole, and the figure is drawn from it."""
    (folder / "in.toml").write_text(BASE + 'expert = {geometry = "shared", accuracy = 0.3}\n')

    def run():
        plots.result_figure = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        main(["run", "in.toml", "-q"])

    assert killed(run) == signal.SIGKILL
    assert (folder / "in.nc").exists() and not (folder / "in.png").exists()
    assert main(["run", "in.toml"]) == 2
    assert "`sidejump plot in.nc` draws its figure" in capsys.readouterr().err
    assert main(["plot", "in.nc"]) == 0 and (folder / "in.png").read_bytes()[:4] == b"\x89PNG"
    drawn = (folder / "in.png").read_bytes()
    assert main(["plot", "in.nc"]) == 2 and "--force" in capsys.readouterr().err
    assert main(["run", "in.toml", "--force", "-q"]) == 0
    assert (folder / "in.png").read_bytes() == drawn  # as the run itself draws it
    assert sorted(p.name for p in folder.iterdir()) == ["in.nc", "in.png", "in.toml"]


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"", "in.nc: truncated or not a result"), (b"\x89HDF\r\n\x1a\n\0", "in.nc: truncated")],
)
def test_figures_of_what_is_no_result(folder, capsys, content, words):
    if content is not None:
        (folder / "in.nc").write_bytes(content)
    assert main(["plot", "in.nc"]) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1 and not (folder / "in.png").exists()
    xr.Dataset({"x": 1.0}).to_netcdf(folder / "other.nc", engine="h5netcdf")
    assert main(["plot", "other.nc"]) == 2
    assert "other.nc: is no result of this version, it lacks sigma_boltzmann" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_signal_leaves_nothing(tmp_path, number, status, word):
    slow = BASE.replace("[20, 50]", str(list(range(5, 105)))).replace("energy_nodes = 1", "energy_nodes = 9")
    (tmp_path / "in.toml").write_text(slow)
    process = subprocess.Popen(
        [sys.executable, "-m", "sidejump.app.cli", "run", "in.toml"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr.readline().startswith("estimate")
    time.sleep(0.5)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == status
    assert word in err and "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == ["in.toml"]


# --- failures that nobody foresaw -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (OSError(28, "No space left on device", "x.nc"), 2, "x.nc: No space left"),
        (MemoryError(), 2, "memory"),
        (np.linalg.LinAlgError("Eigenvalues did not converge"), 2, "Eigenvalues"),
        (FloatingPointError("overflow"), 2, "overflow"),
        (KeyError("surprise"), 1, "defect"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_any_failure_is_one_sentence(capsys, error, status, word):
    def fail():
        raise error

    assert guard.guarded(fail) == status
    err = capsys.readouterr().err
    assert word in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["run"], "INPUT.toml"),
        (["run", "a.toml", "b.toml"], "b.toml"),
        (["run", "a.toml", "--wrong"], "--wrong"),
        (["rum"], "rum"),
        (["template"], "`sidejump init` writes a commented input file"),
        (["init", "wey"], 'did you mean "weyl"'),
        (["init", "weyl", "-s", "x"], "polar_optical"),
        (["init", "weyl", "x.txt"], ".toml"),
        (["figure1", "-o", "x.gif"], ".png"),
    ],
)
def test_wrong_use_of_the_command_line(folder, capsys, arguments, word):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert word in err and err.count("\n") == 1 and "Traceback" not in err
    assert not list(folder.iterdir())


# --- the other commands -----------------------------------------------------------------------------------------------


def test_version_help_and_models(capsys):
    assert main(["--version"]) == 0 and capsys.readouterr().out == f"sidejump {sj.__version__}\n"
    assert main([]) == 0 and "init" in capsys.readouterr().out
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert '"weyl"' in out and '"impurity"' in out


def tags(classes, key):
    return [c.model_fields[key].annotation.__args__[0] for c in classes]


def test_input_reference_lists_every_key(capsys):
    assert main(["input-reference"]) == 0
    out = capsys.readouterr().out
    sections = (schema.TemperatureInput, schema.SolverInput, schema.ExpertInput)
    for cls in (*schema.ELECTRONS, *schema.SCATTERING, *sections):
        for key in set(cls.model_fields) - {"model", "kind", "intrinsic", "expert"}:
            assert f"| `{key}` |" in out


def test_the_reference_page_is_up_to_date(capsys):
    main(["input-reference"])
    page = Path(__file__).parent.parent / "docs" / "input.md"
    assert page.read_text() == capsys.readouterr().out, "run `make docs`"


def test_solver_defaults_are_those_of_the_library():
    settings, library = schema.SolverInput(), TransportSettings()
    both = {name for name in schema.SolverInput.model_fields if hasattr(library, name)} - {"tolerance"}
    assert both == {"memory", "energy_nodes", "degeneracy", "symmetry", "approximation", "skew_scattering"}
    for name in both:
        assert getattr(settings, name) == (library.memory / 1e9 if name == "memory" else getattr(library, name))
    for name in schema.ExpertInput.model_fields:
        assert getattr(settings.expert, name) == getattr(library, name)
    assert settings.tolerance == TOLERANCE == inspect.signature(sj.anomalous_hall).parameters["tolerance"].default
    assert settings.time is None


def test_every_key_has_a_unit_or_words_and_a_value_to_show():
    sections = (schema.TemperatureInput, schema.SolverInput, schema.ExpertInput, schema.OutputInput)
    for cls in (*schema.ELECTRONS, *schema.SCATTERING, *sections):
        for key, field in cls.model_fields.items():
            if key not in ("model", "kind", "intrinsic", "expert"):
                assert field.description
                assert field.examples or (field.default is not None and not field.is_required()), (cls, key)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda p: p.stem)
def test_examples_follow_the_schema(path):
    assert config.read_input(path).temperature is not None


def test_first_figure(folder, monkeypatch, capsys):
    from sidejump.reference import figure1

    whole = figure1.figure1_curves
    short = [0.05, 0.2, 1.0]
    monkeypatch.setattr(figure1, "figure1_curves", lambda **options: whole(short, energy_nodes=3, **options))
    assert main(["figure1", "-q"]) == 0
    assert "3 temperatures" in capsys.readouterr().err
    assert (folder / "figure1.png").read_bytes()[:4] == b"\x89PNG"
    curves = whole(short, energy_nodes=1)
    # one node is the paper's quasi-elastic theory
    np.testing.assert_allclose(curves["exact"], curves["closed_form"], rtol=1e-6)
    np.testing.assert_allclose(curves["resistivity"], curves["resistivity_closed"], rtol=1e-6)


# --- temperatures -------------------------------------------------------------------------------------------------


def temperature(**keys):
    return schema.TemperatureInput.model_validate(keys)


def test_temperature_lists_keep_their_order():
    np.testing.assert_array_equal(build_temperatures(temperature(values=[50, 5, 20])), [50, 5, 20])
    np.testing.assert_allclose(build_temperatures(temperature(minimum=1, maximum=100, number=3)), [1, 10, 100])
    np.testing.assert_allclose(
        build_temperatures(temperature(minimum=1, maximum=3, number=3, spacing="linear")), [1, 2, 3]
    )


def test_temperatures_in_units_of_t_bg():
    text = BASE.replace("values = [20, 50]", 'values = [0.5, 1.0]\nunit = "T_BG"')
    settings = config.validate(tomllib.loads(text))
    electrons = build_electrons(settings.electrons, Path())
    scatterers = build_scatterers(settings.scattering, electrons)
    scale = bloch_gruneisen_temperature(electrons.model, scatterers, electrons.chemical_potential)
    # 2 hbar c k_F / k_B with k_F = sqrt(0.2^2 - 0.1^2) / 3 per angstrom and c = 2000 m/s
    assert scale == pytest.approx(2 * 6.582119569e-16 * 2e13 * np.sqrt(0.03) / 3 / 8.617333262e-5, rel=1e-6)
    np.testing.assert_allclose(build_temperatures(settings.temperature, scale), [0.5 * scale, scale])


def test_t_bg_needs_one_radius_and_sound(refused):
    text = BASE.replace("values = [20, 50]", 'values = [1.0]\nunit = "T_BG"')
    assert "T_BG" in refused(text.replace("velocity = 3.0", "velocity = 3.0\ntilt = [1.0, 0.0]", 1))
    impurity = '\n[[scattering]]\nkind = "impurity"\ncorrelation = "zero_range"\ndensity = 1e11\nstrength = 1.0\n'
    assert "T_BG" in refused(text.replace(PHONONS, impurity))


@pytest.mark.parametrize(
    ("temperatures", "expected"),
    [
        (np.geomspace(10, 300, 26), True),
        (np.linspace(10, 300, 26), False),
        ([5, 10, 20, 50, 100], True),
        ([10, 300], False),
    ],
)
def test_the_temperature_axis_follows_the_spacing(temperatures, expected):
    assert plots.log_spaced(np.array(temperatures, dtype=float)) is expected
