"""Two spin channels, exchange field and spin-orbit coupling from an input file."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_abinitio import Toy, examined
from sidejump import two_channels, with_exchange, with_projected_spin_orbit, with_spin_orbit
from sidejump.app import build, config
from sidejump.app.cli import main
from sidejump.bands.lattice import LatticeModel
from sidejump.formats.compact import read_compact, write_compact

BCC = 1.5 * np.array([[1.0, 1, 1], [-1, 1, 1], [-1, -1, 1]])
HEAD = '[electrons]\nmodel = "compact"\nfile = "up.h5"\n'
TAIL = '[[scattering]]\nkind = "electron_phonon"\n[temperature]\nvalues = [300]\n'
SHELL = '[[electrons.spin_orbit]]\natom = "A"\nshell = "p"\nstrength = 0.2\n'


def channel(seed, owner=(0, 0, 0)):
    toy = Toy(cell=BCC, positions=np.zeros((1, 3)), masses=np.array([30000.0]), owner=list(owner), seed=seed)
    return examined(toy.from_meshes((2, 2, 2), (2, 2, 2)))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("channels")
    up = channel(1)
    write_compact(up, folder / "up.h5")
    write_compact(replace(channel(2), phonons=up.phonons), folder / "down.h5")
    write_compact(channel(1, (0, 0)), folder / "small.h5")
    write_compact(replace(up, spinor=True), folder / "spinor.h5")
    return folder


def built(text, folder):
    settings = config.validate(config.parse(HEAD + text + TAIL, "x"))
    electrons = build.build_electrons(settings.electrons, folder)
    return electrons, build.build_scatterers(settings.scattering, electrons)[0]


def test_input_file_makes_the_spinor_model(files):
    up, down = read_compact(files / "up.h5"), read_compact(files / "down.h5")
    expected = with_exchange(two_channels(up, down), (0, 0, 0.4))
    expected = with_spin_orbit(expected, ["pz", "px", "py"], {"p": 0.2})
    electrons, scatterer = built('file_down = "down.h5"\nexchange = 0.4\nprojections = "A:p"\n' + SHELL, files)
    k, q = np.random.default_rng(0).random((2, 3, 3))
    np.testing.assert_allclose(electrons.coupling.energies(k), expected.energies(k), atol=1e-12)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(electrons.model.hamiltonian(k @ up.reciprocal_cell)), expected.energies(k)
    )
    # the scatterer has the coupling of the six spinor functions
    g = scatterer.data.with_acoustic_sum_rule().coupling(k, q)
    reference = expected.with_acoustic_sum_rule().coupling(k, q)
    assert g.shape == (3, 6, 6, 3)
    np.testing.assert_allclose(np.abs(g), np.abs(reference), atol=1e-9)
    # what was found in both files is kept
    checks = electrons.coupling.checks
    assert {key.partition("_")[0] for key in checks} == {"up", "down", "spin"}
    assert len(checks) == len(up.checks) + len(down.checks) + 1 > 3


def test_one_file_twice_and_a_field_in_any_direction(files):
    bands = read_compact(files / "up.h5").energies(np.zeros((1, 3)))
    for text in ("exchange = [0.3, 0.0, 0.4]\n", 'file_down = "up.h5"\nexchange = -0.5\n'):
        electrons, _ = built(text, files)
        found = electrons.coupling.energies(np.zeros((1, 3)))
        np.testing.assert_allclose(found, np.sort(np.concatenate([bands - 0.5, bands + 0.5], axis=1)), atol=1e-12)
        assert electrons.coupling.checks == read_compact(files / "up.h5").checks
    np.testing.assert_array_equal(electrons.model.exchange_field, [0, 0, -0.5])  # what a torque is that of


def test_local_axes_of_a_projection_turn_the_orbitals(files):
    """z along x: L.S does not depend on the axes, but the functions are other ones."""
    both = two_channels(*[read_compact(files / "up.h5")] * 2)
    plain = with_spin_orbit(both, ["px", None, None], {"p": 0.2})
    np.testing.assert_array_equal(plain.electrons.hoppings, both.electrons.hoppings)
    home = np.flatnonzero(~both.electrons.vectors.any(axis=1))[0]
    terms = [("A", "p", 0.2)]

    def term(projections):
        turned = with_projected_spin_orbit(both, projections, terms)
        return turned.electrons.hoppings[home] - both.electrons.hoppings[home]

    names = with_spin_orbit(both, ["px", "py", "pz"], {"p": 0.2}).electrons.hoppings[home]
    np.testing.assert_allclose(term("A:px|A:py|A:pz"), names - both.electrons.hoppings[home], atol=1e-12)
    # z' = x, x' = y: (pz, px, py)' are (px, py, pz)
    np.testing.assert_allclose(term("A:p:z=1,0,0:x=0,1,0"), term("A:px|A:py|A:pz"), atol=1e-12)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('file_down = "small.h5"\n', "different|Wannier functions"),
        ('file_down = "spinor.h5"\n', "is a spinor model already"),
        ('file_down = "none.h5"\n', "none.h5"),
        ("exchange = true\n", "give a plain number"),
        ("exchange = [0.1, 0.2]\n", "exchange = "),
        ("exchange = 0.1\nzeeman = [0.0, 0.0, 0.1]\n", "zeeman and exchange exclude each other"),
        ('exchange = 0.1\nspin_ordering = "block"\n', "spin_ordering and exchange exclude"),
        ('exchange = 0.1\nwannier90 = "x_tb.dat"\n', "wannier90 and exchange exclude"),
        (SHELL, 'spin_orbit needs projections = "..."'),
        ('projections = "A:p"\n', "projections needs symmetrize = true or spin_orbit"),
        ('projections = "A:d"\n' + SHELL, "they make 5 functions"),
        ('projections = "B:p"\n' + SHELL, 'no atom is called "b"; the crystal has A'),
        ('projections = "A:p"\n' + SHELL.replace('"p"', '"d"'), 'no function of the d shell of "A"'),
        ('projections = "A:p"\n' + SHELL.replace('"p"', '"f"'), '[[electrons.spin_orbit]] number 1: shell = "f"'),
        ('projections = "A:p"\n' + SHELL.replace("strength", "stregth"), 'unknown key "stregth"; did you mean'),
        ('projections = "A:p"\nspin_orbit = 0.1\n', "[[electrons.spin_orbit]] must be written with two brackets"),
        (
            'projections = "A:p"\n' + SHELL.replace('atom = "A"\n', ""),
            "[[electrons.spin_orbit]] number 1: atom is missing",
        ),
    ],
)
def test_bad_input_is_one_sentence(files, monkeypatch, capsys, text, sentence):
    monkeypatch.chdir(files)
    (files / "x.toml").write_text(HEAD + text + TAIL)
    assert main(["run", "x.toml"]) == 2
    error = capsys.readouterr().err
    assert any(part in error for part in sentence.split("|")) and error.count("\n") == 1, error
    assert "Traceback" not in error and not (files / "x.nc").exists()


def test_hybrids_that_point_elsewhere_are_refused():
    """The order of the functions shows in the centres."""
    data = channel(3)
    centres = np.array([[-0.6, 0, 0], [0.6, 0, 0], [0, 0, 0.6]])
    both = two_channels(*[replace(data, wannier_centres=centres)] * 2)
    names = "A:sp3d2-1|A:sp3d2-2|A:sp3d2-6"
    turned = with_projected_spin_orbit(both, names, [("A", "p", 0.2)])
    assert np.abs(turned.electrons.hoppings - both.electrons.hoppings).max() > 0.02
    terms = [("A", "p", 0.2)]
    with pytest.raises(ValueError, match=r"Wannier function 1 sits along \(-1, 0, 0\) .* points along \(1, 0, 0\)"):
        with_projected_spin_orbit(both, "A:sp3d2-2|A:sp3d2-1|A:sp3d2-6", terms)
    with pytest.raises(ValueError, match=r"Wannier function 1 sits 0\.6 angstrom from its atom"):
        with_projected_spin_orbit(both, "A:p", terms)


def test_functions_in_another_order_or_of_another_sign_break_the_symmetry():
    """p functions on a cubic lattice: sigma and pi bonds along each axis."""
    toy = channel(1)
    hops = np.zeros((7, 3, 3), dtype=complex)
    vectors = np.array([[0, 0, 0], *(s * row for row in np.eye(3, dtype=int) for s in (1, -1))])
    for i, (x, y, z) in enumerate(vectors[1:], 1):
        hops[i] = np.diag([1.0 if z else -0.3, 1.0 if x else -0.3, 1.0 if y else -0.3])  # pz, px, py
    cell = 3.0 * np.eye(3)
    electrons = LatticeModel(cell, vectors, hops, None, np.zeros((3, 3)))
    phonons = replace(toy.phonons, cell=cell)
    both = two_channels(*[replace(toy, electrons=electrons, phonons=phonons, _cache={})] * 2)
    key, terms = "spin_orbit_symmetry_violation_rms_eV", [("A", "p", 0.2)]
    good = with_projected_spin_orbit(both, "A:p", terms)
    assert good.checks[key] < 1e-6 and not any("spin_orbit" in w for w in good.warnings)
    turn = np.array([[0.8, 0.6, 0], [-0.6, 0.8, 0], [0, 0, 1.0]])
    mixed = np.einsum("am,rmn,bn->rab", turn, hops, turn)
    electrons = LatticeModel(cell, vectors, mixed, None, np.zeros((3, 3)))
    other = two_channels(*[replace(toy, electrons=electrons, phonons=phonons, _cache={})] * 2)
    bad = with_projected_spin_orbit(other, "A:s|A:px|A:py", terms)
    assert bad.checks[key] > 4e-3
    assert any("breaks the symmetry of the crystal" in w for w in bad.warnings)
