"""Files that must be refused with one sentence which names them, and commands that must do no harm."""

import os
import re
import shutil
import time
import tracemalloc
import zlib
from dataclasses import replace

import h5py
import numpy as np
import pytest

import sidejump as sj
from helpers_abinitio import Toy, examined
from helpers_wannier90 import write_tb, write_wsvec
from sidejump import InputError, run
from sidejump.app.cli import main
from sidejump.app.config import read_input
from sidejump.formats.compact import read_compact, write_compact
from sidejump.formats.epw import read_epw
from sidejump.formats.epw_write import write_epw
from sidejump.formats.perturbo import read_perturbo
from sidejump.formats.perturbo_write import write_perturbo
from sidejump.formats.wannier90 import read_wannier90

ESCAPE = "\x1b]0;mine\x07\x1b[2J"


@pytest.fixture(scope="module")
def data():
    return examined(Toy(cutoff=1).from_meshes((2, 2, 2), (2, 2, 2), spinor=True))


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    return write_epw(data, tmp_path_factory.mktemp("epw"), prefix="toy", n_electrons=2.0)


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "epw")


def refused(read, name, words=""):
    with pytest.raises(InputError, match=words or None) as caught:
        read()
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["crystal.fmt", "epwdata.fmt", "vmedata.fmt", "wigner.fmt", "toy.epmatwp"])
def test_files_of_epw_that_are_none(copy, name):
    (copy / name).unlink()
    os.mkfifo(copy / name)
    refused(lambda: read_epw(copy), name, "is a pipe")
    (copy / name).unlink()
    (copy / name).symlink_to("gone")
    refused(lambda: read_epw(copy), name, "is a broken link")
    (copy / name).unlink()
    (copy / name).mkdir()
    refused(lambda: read_epw(copy), name, "is a directory")


def test_files_of_wannier90_and_inputs_that_are_none(data, tmp_path):
    file, shifts, given = (tmp_path / name for name in ("x_tb.dat", "x_wsvec.dat", "input.toml"))
    write_tb(file, data.electrons, [1] * len(data.electrons.vectors))
    os.mkfifo(shifts)
    refused(lambda: read_wannier90(file), "x_wsvec.dat", "is a pipe")
    shifts.unlink()
    shifts.symlink_to("gone")
    refused(lambda: read_wannier90(file), "x_wsvec.dat", "is a broken link")
    shifts.unlink()
    write_wsvec(shifts, data.electrons)
    read_wannier90(file)
    file.unlink()
    os.mkfifo(file)
    refused(lambda: read_wannier90(file), "x_tb.dat", "is a pipe")
    os.mkfifo(given)
    refused(lambda: read_input(given), "input.toml", "is a pipe")


@pytest.mark.parametrize(
    ("name", "letter"), [("vmedata.fmt", b" "), ("toy.epmatwp", b"\0"), ("epwdata.fmt", b"0 "), ("crystal.fmt", b"1 ")]
)
def test_packed_files_that_unpack_without_end(copy, name, letter):
    """2 GB in 9 MB: refused after what the header announces, or the files beside it; never read to the end."""
    content = (copy / name).read_bytes() if name == "epwdata.fmt" else b""
    (copy / name).unlink()
    pack = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = letter * (1 << 23)
    with (copy / f"{name}.gz").open("wb") as stream:
        stream.write(pack.compress(content) + pack.flush(zlib.Z_FULL_FLUSH))
        # a block that knows nothing of those before it may be repeated
        stream.write(256 * (pack.compress(block) + pack.flush(zlib.Z_FULL_FLUSH)))
    tracemalloc.start()
    start = time.perf_counter()
    try:
        refused(lambda: read_epw(copy), f"{name}.gz")
        assert tracemalloc.get_traced_memory()[1] < 4e8
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - start < 20


def with_word(path, number, word):
    words = list(re.finditer(r"\S+", text := path.read_text()))
    path.write_text(text[: words[number].start()] + word + text[words[number].end() :])


@pytest.mark.parametrize(
    ("name", "number", "word"),
    [
        ("epwdata.fmt", 1, "-3"),  # Wannier functions
        ("epwdata.fmt", 1, "100000000"),
        ("epwdata.fmt", 2, "99999999999999999999"),
        ("epwdata.fmt", 0, "nan"),  # Fermi energy
        ("epwdata.fmt", 20, "1_0"),
        ("crystal.fmt", 0, "1000000000"),  # atoms
        ("crystal.fmt", 0, "0"),
        ("crystal.fmt", 23, "****"),
        ("wigner.fmt", 3, "100000000"),  # a dimension
        ("wigner.fmt", 4, "-1"),
        ("wigner.fmt", 12, "0.5"),
    ],
)
def test_words_that_cannot_be(copy, name, number, word):
    with_word(copy / name, number, word)
    tracemalloc.start()
    try:
        refused(lambda: read_epw(copy), str(copy / name))
        assert tracemalloc.get_traced_memory()[1] < 1e8
    finally:
        tracemalloc.stop()


def changed(path, name, value):
    with h5py.File(path, "a") as stream:
        if name in stream.attrs:
            stream.attrs[name] = value
            return path
        value = value(stream[name][()]) if callable(value) else value
        del stream[name]
        stream[name] = value
    return path


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("electrons/wannier_centres", "words", "expected"),
        ("electrons/wannier_centres", lambda x: x.astype(complex), "expected real numbers"),
        ("k_mesh", lambda x: 200 * x, "bytes for a coupling of"),
        ("k_mesh", lambda x: x.astype(float), "expected whole numbers"),
        ("coupling/values", lambda x: x.T, "has shape"),
        ("phonons/force_constants", lambda x: x[:, 0], "has shape"),
        ("checks", "[1]", "attribute checks is no dict"),
        ("warnings", "[1]", "something else than sentences"),
        ("warnings", "{", "truncated or not"),
        ("phonon_alpha", "words", "is no finite number"),
        ("fermi_energy", np.nan, "is no finite number"),
        ("version", np.array([1, 2]), "is no finite number"),
    ],
)
def test_compact_files_that_are_none(data, tmp_path, name, value, words):
    path = changed(write_compact(data, tmp_path / "c.h5"), name, value)
    refused(lambda: read_compact(path), "c.h5", words)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("basic_data/tau", "words", "expected"),
        ("basic_data/at", lambda x: x.T, "no lattice and its reciprocal one"),
        ("basic_data/volume", lambda x: 2 * x, "the volume of basic_data/at and alat"),
        ("basic_data/kc_dim", lambda x: 1000 * x, "as many vectors"),
        ("basic_data/qc_dim", lambda x: -x, "each is at least 1"),
        ("basic_data/num_wann", lambda x: 10**9 * np.int64(x), "has shape"),
        ("basic_data/nat", lambda x: np.arange(3), "expected one number"),
        ("electron_wannier/hopping_r1", lambda x: x.astype(complex), "expected real numbers"),
        ("force_constant/ifc1", lambda x: x.T, "has shape"),
        ("eph_matrix_wannier/ep_hop_r_1_1_1", "words", "expected real numbers"),
    ],
)
def test_perturbo_files_that_are_none(data, tmp_path, name, value, words):
    path = changed(write_perturbo(data, tmp_path / "x_epr.h5"), name, value)
    refused(lambda: read_perturbo(path), "x_epr.h5", words)


def test_words_of_files_do_not_steer_the_terminal(data, tmp_path, capsys):
    """Warnings, descriptions and names of files: printed with their control characters as escapes."""
    path = write_compact(replace(data, warnings=[f"a{ESCAPE}b"], source=f"c{ESCAPE}d"), tmp_path / "c.h5")
    assert main(["info", str(path)]) == 0
    assert main(["info", str(path), "--json"]) == 0
    assert main(["info", str(tmp_path / f"e{ESCAPE}f\n.h5")]) == 2
    given = tmp_path / "in.toml"
    given.write_text('[electrons]\nmodel = "compact"\nfile = "g\\u001b[2Jh\\u202e"\n', encoding="utf-8")
    assert main(["run", str(given)]) == 2
    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert all(c.isprintable() or c == "\n" for c in text)
    assert r"a\x1b]0;mine\x07\x1b[2Jb" in shown.err.replace("\n", "")
    assert r"c\x1b]0;mine" in shown.out


@pytest.mark.parametrize("prefix", ["../../escape", "a/b", "", ".", "..", ".hidden", "a\\b", "a\nb", None])
def test_a_prefix_names_no_place(data, tmp_path, prefix):
    source = write_compact(data, tmp_path / "c.h5")
    prefix = str(tmp_path / "absolute") if prefix is None else prefix
    before = sorted(tmp_path.rglob("*"))
    assert main(["convert", str(source), str(tmp_path / "px"), "--n-electrons", "2", "--prefix", prefix]) == 2
    refused(lambda: write_epw(data, tmp_path / "px", prefix=prefix, n_electrons=2.0), "prefix", "give a plain name")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_prefix_is_a_plain_name(data, tmp_path):
    source = write_compact(data, tmp_path / "c.h5")
    assert main(["convert", str(source), str(tmp_path / "px"), "--n-electrons", "2", "--prefix", "Fe-bcc_1"]) == 0
    assert (tmp_path / "px" / "Fe-bcc_1.epmatwp").is_file()


def test_memory_is_asked_before_room_is_made(data, folder, tmp_path):
    size = data.file_coupling.values.nbytes
    compact, perturbo = write_compact(data, tmp_path / "c.h5"), write_perturbo(data, tmp_path / "x_epr.h5")
    for read, path in ((read_epw, folder), (read_compact, compact), (read_perturbo, perturbo)):
        refused(lambda read=read, path=path: read(path, memory=2.9 * size), str(path), "raise memory in")
        read(path, memory=1e9)
    given = tmp_path / "in.toml"
    given.write_text(
        f'[electrons]\nmodel = "epw"\ndirectory = "{folder}"\nfermi_energy = 0.3\n\n'
        '[[scattering]]\nkind = "electron_phonon"\n\n[temperature]\nvalues = [100.0]\n\n[solver]\nmemory = 1e-4\n'
    )
    refused(lambda: run(given), "toy.epmatwp", "memory is 0.0001 GB; raise memory in")


def test_reading_takes_three_times_the_coupling(tmp_path):
    """Arrays of EPW's files at their most, Hermitian images and the checks of them included."""
    bcc = 1.5 * np.array([[1.0, 1, 1], [-1, 1, 1], [-1, -1, 1]])
    toy = Toy(cell=bcc, positions=np.zeros((1, 3)), masses=np.array([30000.0]), owner=[0] * 8, cutoff=1)
    known = toy.from_meshes((4, 4, 4), (2, 2, 2), spinor=True)
    write_epw(known, tmp_path, prefix="toy", n_electrons=2.0)
    del known
    size = (tmp_path / "toy.epmatwp").stat().st_size
    tracemalloc.start()
    try:
        read = read_epw(tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read.file_coupling.values.nbytes == size > 4e6
    assert peak < 3 * size


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_rates_beyond_all_numbers_are_no_defect():
    electrons = {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2}
    impurities = {"kind": "impurity", "correlation": "zero_range", "density": 1e308, "strength": 1e100}
    question = {"electrons": electrons, "scattering": [impurities], "temperature": {"values": [20]}}
    with pytest.raises(InputError, match=r"density = 1e\+308: too large"):
        run(question)
    own = sj.Scatterer("own", 2, (sj.Branch(lambda q: 1e308 + 0 * q),))
    quick = {"tolerance": 0.5, "energy_nodes": 1, "accuracy": 0.3, "geometry": "shared"}
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(InputError, match="no finite numbers"):
        sj.anomalous_hall(
            sj.MassiveDirac(mass=0.1, velocity=3.0), own, chemical_potential=0.2, temperatures=[20], **quick
        )
