"""Real files of EPW and Perturbo against what the codes themselves print."""

import os
import re
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from helpers_other_codes import compare_with_epw, compare_with_perturbo, table_of_lead
from sidejump.app.run import prepare
from sidejump.bands.states import solve_states
from sidejump.errors import InputError
from sidejump.formats.info import describe
from sidejump.formats.q2r import read_q2r
from sidejump.formats.recognise import convert, read_electron_phonon
from sidejump.formats.wannier90 import read_wannier90
from sidejump.groups.magnetic_group import magnetic_operations
from sidejump.interactions.first_principles.electron_phonon import ElectronPhononScatterer
from sidejump.surfaces.fermi import fermi_shell
from sidejump.symmetrize.symmetrized import symmetrized
from sidejump.transport import TransportSettings, run_transport
from sidejump.transport.problem import Problem
from sidejump.units import KB, MOBILITY, conductivity_unit
from sidejump.wannier.checks import examine
from sidejump.wannier.container import mesh_points
from sidejump.wannier.quality import acoustic_exponent, off_mesh_hermiticity
from sidejump.wannier.rydberg import RYDBERG
from sidejump.wannier.spin import two_channels, with_exchange, with_projected_spin_orbit, with_spin_orbit
from test_observable_exact import spin_hall_of_all_states

DATA = Path(os.environ.get("SIDEJUMP_DATA", Path(__file__).parents[2] / "shared" / "data"))

EXACT = 1e-10


def path(name):
    found = DATA / name
    if not found.exists():
        pytest.skip(f"{found} is missing: set SIDEJUMP_DATA to the folder that holds {name.split('/')[0]}")
    return found


@cache
def read(name):
    """A set that several tests look at."""
    return read_electron_phonon(path(name))


@pytest.fixture(scope="module")
def iron():
    return read("iron_epw")


@pytest.fixture(scope="module")
def lead():
    return read("lead_epw")


def test_iron_reproduces_epw(iron):
    """All 19 440 values of |g|: to 5e-7 meV, of up to 1600 meV."""
    table = np.loadtxt(path("iron_epw/gkk_table.dat.gz"))
    assert len(table) == 19440
    energy, phonon, coupling, _ = compare_with_epw(iron, table)
    assert energy < 5.1e-5  # print precision
    assert phonon < 1e-9 and coupling < 1e-6


def test_lead_reproduces_epw(lead):
    table = table_of_lead(path("lead_epw/epw_g.out"))
    assert len(table) == 3072
    energy, phonon, coupling, omega = compare_with_epw(lead, table)
    assert energy < 5.1e-5 and phonon < 1e-9 and coupling < 1e-6
    # imaginary modes are negative here, and have no amplitude in either program
    assert (omega[table[:, 11] < 0] < 0).all() and not table[table[:, 11] < 0, 12].any()


def test_lead_bands_and_phonons(lead):
    k = np.array([[0, 0, 0], [0.12, 0.31, -0.27], [0.5, 0.25, 0.75], [0.05, -0.11, 0.43]])
    q = np.array([[0.1, 0, 0], [0.33333333, 0, 0.33333333], [0.21, -0.37, 0.08], [0.5, 0, 0.5]])
    bands = np.array(path("lead_epw/band.eig").read_text().split("/")[1].split(), dtype=float).reshape(4, 11)[:, 3:]
    modes = np.array(path("lead_epw/phband.freq").read_text().split("/")[1].split(), dtype=float).reshape(4, 6)[:, 3:]
    np.testing.assert_allclose(lead.energies(k), bands, atol=1e-10)
    np.testing.assert_allclose(np.abs(1e3 * lead.phonon_energies(q)), np.abs(modes), atol=6e-5)
    assert lead.checks["imaginary_modes_on_mesh"] == 12 and any("imaginary" in w for w in lead.warnings)
    assert lead.checks["reversal_energy_violation_eV"] < 1e-6


@pytest.mark.parametrize(
    ("name", "number", "bands"), [("fe", 6, slice(None)), ("gaas", 1, slice(3, 8)), ("graphene", 3, slice(None))]
)
def test_perturbo_reproduces_itself(name, number, bands):
    yaml = pytest.importorskip("yaml")
    data = read(f"perturbo/{name}_epr.h5")

    def output(kind):
        text = path(f"perturbo/reference/epr{number}-{kind}/pert_output.yml").read_text()
        return yaml.safe_load(text)["bands" if kind == "phdisp" else kind]

    energy, phonon, coupling, _ = compare_with_perturbo(data, output, bands)
    assert energy < 1e-4 and phonon < 1e-2 and coupling < 1e-5


@pytest.mark.parametrize(
    "name", ["iron_epw", "lead_epw", "perturbo/fe_epr.h5", "perturbo/gaas_epr.h5", "perturbo/graphene_epr.h5"]
)
def test_hermitian_images_of_real_sets(name):
    """Off the mesh no worse than on it, where the values of the file stay."""
    data = read(name)
    on_mesh = data.checks["coupling_hermiticity_on_mesh"]
    assert on_mesh < 2e-5
    assert off_mesh_hermiticity(data, "hermitian") < 5e-5
    assert off_mesh_hermiticity(data, "file") > 100 * off_mesh_hermiticity(data, "hermitian")
    rng = np.random.default_rng(0)
    k, q = (rng.integers(0, 12, (6, 3)) / np.array(mesh) for mesh in (data.k_mesh, data.q_mesh))
    own = data.wannier_vertex(k, q, "file")
    assert np.abs(data.wannier_vertex(k, q) - own).max() < 1e-12 * np.abs(own).max()


@pytest.mark.parametrize("name", ["iron_epw", "lead_epw", "perturbo/fe_epr.h5", "perturbo/gaas_epr.h5"])
def test_real_sets_in_another_gauge_are_noticed(name):
    """Two files of equal size from two Wannierisations; those of one run are far from the limit."""
    data = read(name)
    assert data.checks["rigid_shift_close_states"] < 0.11
    n = data.electrons.n_orbitals
    rng = np.random.default_rng(0)
    u = np.linalg.qr(rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n)))[0]
    c = data.file_coupling
    mixed = replace(data, file_coupling=replace(c, values=u.conj().T @ c.values @ u), checks={}, warnings=[])
    found = examine(mixed)
    assert found.checks["rigid_shift_close_states"] > 0.3
    assert any("hardly belongs to the Wannier functions of the Hamiltonian" in w for w in found.warnings)


@pytest.mark.parametrize(
    ("name", "source"),
    [("iron_epw", "curvature"), ("perturbo/fe_epr.h5", "none"), ("perturbo/graphene_epr.h5", "none")],
)
def test_noise_of_real_sets_is_no_magnetisation(name, source):
    """One channel of collinear iron breaks time reversal by noise alone, 1 meV."""
    symmetry = describe(path(name), n_samples=2)["symmetry"]
    assert symmetry["magnetisation_source"] == source
    assert np.any(symmetry["magnetisation"]) == (source != "none")


def test_coupling_of_iron_decays(iron):
    """Largest elements at |Rp| = 0, and beyond the fourth shell, where file images have none left to fall."""
    c = iron.coupling_matrix().dense()
    distance = np.linalg.norm(c.rp_vectors @ iron.cell, axis=1)
    size = np.abs(c.values).max(axis=(1, 2, 3, 4))
    shells = [size[(distance >= a) & (distance < b)].max() for a, b in ((0, 1), (2, 3), (3, 5), (5, 7))]
    assert shells[0] == pytest.approx(10.1, abs=0.05)
    assert shells[0] > 2 * shells[1] > 4 * shells[2] > 8 * shells[3]


def test_wannier_functions_of_iron(iron):
    """Position matrix and Hamiltonian are those of Wannier90's file of the same run; a finer one can take over."""
    same = read_wannier90(path("iron_epw/Fe_tb.dat.gz"))
    checks = iron.with_electrons(same).checks
    assert checks["electrons_on_mesh_eV"] < 2e-6 and checks["electrons_centres_angstrom"] < 1e-6
    k = np.random.default_rng(0).random((4, 3)) @ iron.reciprocal_cell
    mine, theirs = iron.electrons.position_matrix(k), same.position_matrix(k)
    # the diagonal differs by the logarithm of the overlaps, which EPW does not take
    between = ~np.eye(18, dtype=bool)
    assert np.abs(mine - theirs)[:, :, between].max() < 1e-6
    assert np.abs(mine - theirs).max() < 0.2
    finer = iron.with_electrons(read_wannier90(path("iron_wannier90/Fe_tb.dat.gz")))
    assert finer.checks["electrons_on_mesh_eV"] < 3e-3
    with pytest.raises(InputError, match="instead of 18"):
        iron.with_electrons(read("lead_epw").electrons)


def test_force_constants_of_q2r(iron):
    """With the acoustic sum rule they are EPW's own, at the q that were calculated and not rotated."""
    file = path("iron_epw/phonon/Fe.ifc.q2r")
    vectors, constants = read_q2r(file, iron.cell, iron.atoms.positions, iron.q_mesh)
    phonons = replace(iron.phonons, vectors=vectors, force_constants=constants)
    assert 0.05 < phonons.acoustic_sum_rule_violation < 0.2
    q = np.array([[0, 0, 0], [0, 0, 0.5], [0, 0.5, 0], [0.5, 0.5, 0.5]]) @ iron.reciprocal_cell
    found = phonons.with_acoustic_sum_rule().dynamical_matrix(q)
    np.testing.assert_allclose(found[[0, 1, 3]], iron.phonons.dynamical_matrix(q)[[0, 1, 3]], atol=1e-11)
    assert np.abs(found[2] - iron.phonons.dynamical_matrix(q)[2]).max() < 1e-4


def test_acoustic_limit_of_graphene():
    np.testing.assert_allclose(acoustic_exponent(read("perturbo/graphene_epr.h5")), 1.0, atol=0.1)


@pytest.mark.parametrize("name", ["lead_epw", "perturbo/gaas_epr.h5", "perturbo/fe_epr.h5", "perturbo/graphene_epr.h5"])
def test_conversion_of_real_sets(name, tmp_path):
    """Between the meshes as well, without the phases of the eigenvectors."""
    source = path(name)
    original = read(name)
    convert(source, tmp_path / "compact.h5")
    rng = np.random.default_rng(3)
    k, q = rng.random((2, 4, 3))

    def same(other):
        for images in ("file", "hermitian"):
            expected = original.wannier_vertex(k, q, images)
            np.testing.assert_allclose(other.wannier_vertex(k, q, images), expected, atol=1e-11)
        np.testing.assert_allclose(other.energies(k), original.energies(k), atol=1e-11)
        expected = original.phonons.dynamical_matrix(q @ original.reciprocal_cell)
        found = other.phonons.dynamical_matrix(q @ original.reciprocal_cell)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11 * np.abs(expected).max())

    target = {"epw": "files", "perturbo": "x_epr.h5"}[original.family]
    options = {"n_electrons": 8.0, "fermi_energy": 1.0} if original.family == "perturbo" else {}
    same(read_electron_phonon(convert(tmp_path / "compact.h5", tmp_path / target)))
    other = {"files": "x_epr.h5", "x_epr.h5": "files"}[target]
    if original.family == "perturbo":  # EPW's files hold all that Perturbo's do
        same(read_electron_phonon(convert(tmp_path / "compact.h5", tmp_path / other, **options)))
        return
    with pytest.raises(InputError, match="cannot hold the bands between the points of the k mesh"):
        convert(tmp_path / "compact.h5", tmp_path / other)
    with pytest.warns(UserWarning, match="the position matrix"):
        crossed = read_electron_phonon(convert(tmp_path / "compact.h5", tmp_path / other, lossy=True))
    k, q = (rng.integers(0, 6, (4, 3)) / np.array(mesh) for mesh in (original.k_mesh, original.q_mesh))
    np.testing.assert_allclose(crossed.wannier_vertex(k, q), original.wannier_vertex(k, q), atol=1e-11)
    np.testing.assert_allclose(crossed.phonon_energies(q), original.phonon_energies(q), atol=1e-7)


def test_iron_of_two_channels():
    """The minority channel twice, split by an exchange field, with spin-orbit coupling: 18 bands of a ferromagnet."""
    minority = read("perturbo/fe_epr.h5")
    names = ["sp3d2-1", "sp3d2-2", "sp3d2-6", "sp3d2-3", "sp3d2-5", "dxy", "dxz", "sp3d2-4", "dyz"]
    model = with_exchange(two_channels(minority, minority), (0, 0, 1.0))
    turned = with_spin_orbit(model, names, {"d": 0.06, "p": 0.2})
    k = np.random.default_rng(0).random((6, 3))
    shift = np.abs(turned.energies(k) - model.energies(k))
    assert 0.005 < shift.max() < 0.5
    assert model.phonons is minority.phonons and turned.energies(k).shape == (6, 18)


FE_ORDER = "Fe:sp3d2-1|Fe:sp3d2-2|Fe:sp3d2-6|Fe:sp3d2-3|Fe:sp3d2-5|Fe:dxy|Fe:dxz|Fe:sp3d2-4|Fe:dyz"


def test_shell_of_iron_of_two_channels_is_bounded():
    """Crossings of the channels are no pockets: the split shells of the one channel, with twice the points at most."""
    minority = read("perturbo/fe_epr.h5")
    model = with_exchange(two_channels(minority, minority), (0, 0, 1.0))
    model = with_projected_spin_orbit(model, FE_ORDER, [("Fe", "d", 0.06)])
    options = {"spacing": 0.6, "turn": None, "levels": 0}
    both = fermi_shell(model.electrons, 14.12, **options)
    alone = [fermi_shell(minority.electrons, 14.12 + b, **options) for b in (-1.0, 1.0)]
    # the functions on the atom are no pure orbitals, which the check tells
    assert 2e-3 < model.checks["spin_orbit_symmetry_violation_rms_eV"] < 6e-3
    assert any("breaks the symmetry of the crystal" in w for w in model.warnings)
    assert both.unresolved == 0 and len(both) < 2 * sum(len(s) for s in alone)
    assert both.weight.sum() == pytest.approx(sum(s.weight.sum() for s in alone), rel=0.05)
    with pytest.raises(InputError, match="Wannier function 3 sits along"):
        with_projected_spin_orbit(model, "Fe:sp3d2;dxy;dxz;dyz", [("Fe", "d", 0.06)])


def symmetry_violation(data, operations, seed=0):
    """Largest differences of E, omega and the sum of |g|^2 (relative) between random points and their images."""
    rng = np.random.default_rng(seed)
    k, q = rng.random((8, 3)), rng.random((8, 3))

    def at(k, q):
        return data.energies(k), data.phonon_energies(q), np.sum(np.abs(data.coupling(k, q)) ** 2, axis=(1, 2, 3))

    own, worst = at(k, q), np.zeros(3)
    for o in operations:
        e, omega, g = at(o.wave_vectors(k), o.wave_vectors(q))
        found = [np.abs(e - own[0]).max(), np.abs(omega - own[1]).max(), np.abs(g / own[2] - 1).max()]
        worst = np.maximum(worst, found)
    return worst


def test_iron_symmetrized(iron):
    operations = magnetic_operations(iron.cell, iron.atoms.positions, [1], [0, 0, 1.0])
    data, report = symmetrized(iron, projections="Fe:sp3d2;dxy;dxz;dyz", magnetisation=(0, 0, 1.0))
    assert len(operations) == 16 and symmetry_violation(iron, operations).max() > 1e-2
    assert symmetry_violation(data, operations).max() < EXACT
    # on the coarse mesh: the noise of the calculation
    mesh = mesh_points((4, 4, 4))
    before = iron.energies(mesh)
    assert np.abs(data.energies(mesh) - before)[before < 27.4].max() < 1e-8
    assert report["coupling_change"] < 5e-4 and report["phonon_energy_change_rms_eV"] < 2e-4
    assert not any("symmetrize" in w for w in data.warnings)
    k, q = np.random.default_rng(1).random((2, 4, 3))
    assert data.hermiticity_violation(k, q) < 1e-12


def test_lead_symmetrized(lead):
    data, report = symmetrized(lead, projections="Pb:sp3")
    operations = magnetic_operations(lead.cell, lead.atoms.positions, [1])
    assert report["magnetisation_source"] == "none" and len(report["symmetry_operations"]) == len(operations) == 96
    assert symmetry_violation(data, operations[::5]).max() < EXACT
    assert report["coupling_change"] < 1e-4


def test_energy_unit():
    assert pytest.approx(13.605693, abs=1e-6) == RYDBERG


@pytest.fixture(scope="module")
def gaas():
    return read("perturbo/gaas_epr.h5")


def test_self_energies_of_gaas_next_to_perturbo(gaas):
    """Im Sigma of both conduction bands at some k, from 25 q of unit weight with a Gaussian of 1 meV."""
    folder = path("perturbo/reference/epr1-imsigma")
    k = np.loadtxt(folder / "gaas_tet.kpt", skiprows=1)[[0, 9, 26], :3]
    q = np.loadtxt(folder / "gaas_imsigma.qpt", skiprows=1)[:, :3]
    text = (folder / "pert_output.yml").read_text()
    totals = [re.findall(r"-\s+(\S+)\n", m) for m in re.findall(r"total:\s*\n((?:\s*-\s+\S+\n)+)", text)]
    expected = np.array(totals, dtype=float).reshape(2, 2, -1)[1][:, [0, 9, 26]].sum(axis=0)  # 300 K
    kt, width = KB * 300, 1e-3
    start = np.repeat(k, len(q), axis=0)
    step = np.tile(q, (len(k), 1))
    g = np.abs(gaas.coupling(start, step, images="file")[:, 8:10, 8:10]) ** 2
    energy, final = (gaas.energies(x)[:, 8:10] for x in (start, start + step))
    omega = gaas.phonon_energies(step)[:, None, None, :]
    phonons, f = 1 / np.expm1(omega / kt), (1 / (np.exp((final - 9.8) / kt) + 1))[:, :, None, None]
    transfer = energy[:, None, :, None] - final[:, :, None, None]
    gauss = [np.exp(-(((transfer + s * omega) / width) ** 2)) / (width * np.sqrt(np.pi)) for s in (1, -1)]
    rate = np.pi * g * ((phonons + f) * gauss[0] + (phonons + 1 - f) * gauss[1])
    found = 1e3 * rate.sum(axis=(1, 2, 3)).reshape(len(k), -1).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_electron_mobility_of_gaas(gaas):
    """A coarse calculation (26 points, 3 nodes): the grid and smearing of the reference leave more open than that."""
    scatterer = ElectronPhononScatterer(gaas, images="file", tolerance=0.0, lowest_phonon_energy=2e-3)
    settings = TransportSettings(energy_nodes=3, geometry="own", accuracy=0.45, turn=None, degeneracy=0.05)
    result = run_transport(gaas.electrons, [scatterer], chemical_potential=9.8, temperatures=[300.0], settings=settings)
    text = (path("perturbo/reference/epr1-trans-ita") / "pert_output.yml").read_text().split("temperature:")[2]
    reference = float(re.search(r"mobility:\s*components:\s*xx:\s*(\S+)", text)[1])
    mobility = MOBILITY * result.boltzmann[0] / result.report["carrier_density"][0]
    assert 0.6 < mobility[0, 0] / reference < 1.2
    assert np.ptp(np.diag(mobility)) < 1e-2 * mobility[0, 0]
    hall = result.side_jump_velocity[0] + result.side_jump_distribution[0]
    assert np.abs(hall).max() < 1e-5 * result.boltzmann[0, 0, 0]


PARTS = ("boltzmann", "side_jump_velocity", "side_jump_distribution")


@pytest.fixture(scope="module")
def lead_job():
    text = {
        "electrons": {
            "model": "epw",
            "directory": str(path("lead_epw")),
            "symmetrize": True,
            "projections": "Pb:sp3",
        },
        "scattering": [{"kind": "electron_phonon"}],
        "temperature": {"values": [300]},
        "solver": {
            "symmetry": "off",
            "energy_nodes": 1,
            "tolerance": 0.4,
            "intrinsic": {"mesh": 6},
            "expert": {"accuracy": 0.3, "levels": 0, "geometry": "shared"},
        },
    }
    return prepare(text)


def test_lead_has_no_hall_effect(lead_job):
    """Kramers pairs are groups: no Hall component without help from symmetry."""
    found = lead_job.run()
    xx = np.einsum("tii->t", found.sigma_boltzmann.values) / 3
    assert 20 < 1e6 / xx[0] < 100
    for name in (*(f"sigma_{part}" for part in PARTS), "sigma_side_jump", "sigma_intrinsic"):
        tensor = found[name].values
        hall = np.abs(tensor - tensor.transpose(0, 2, 1)).max(axis=(1, 2)) / 2
        assert (hall < 1e-6 * xx).all(), (name, hall / xx)
    assert any("imaginary" in w for w in found.attrs["warnings"])


def test_spin_hall_effect_of_lead():
    """The example, on the coarsest points: no charge Hall effect, the intrinsic part of a sum over the zone, and what
    phonons add, of the opposite sign and a part of it, with its error."""
    text = tomllib.loads((Path(__file__).parents[1] / "examples/first_principles/lead_spin_hall.toml").read_text())
    text["electrons"]["directory"] = str(path("lead_epw"))
    del text["solver"]["time"]
    text["solver"] |= {"tolerance": 0.3, "intrinsic": {"tolerance": 0.05}}
    text["solver"]["expert"]["accuracy"] = 0.2
    job = prepare(text)
    found = job.run().isel(temperature=0)
    assert not found.sigma_side_jump.values.any()
    one = found.sel(observable="spin_current_yz", b="x")
    unit = conductivity_unit(3)[0]  # (hbar/e) S/cm
    intrinsic, jump, error = (unit * float(one[f"response_{x}"]) for x in ("intrinsic", "side_jump", "side_jump_error"))
    whole = unit * spin_hall_of_all_states(job.model, job.chemical_potential, 300.0, 32)
    assert intrinsic == pytest.approx(whole, rel=0.1)
    assert whole == pytest.approx(-500, rel=0.02)
    assert 60 < jump < 260 and 0.02 * jump < error < 0.4 * jump


def test_lead_does_not_depend_on_the_basis_of_a_pair(lead_job):
    """Rates and shifts of states in whatever basis is found inside a Kramers pair."""
    settings = replace(lead_job.settings, accuracy=0.2)
    problem = Problem(lead_job.model, lead_job.scatterers, lead_job.chemical_potential, settings)
    shell = problem.coarse_shell(problem.mu)
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(shell), 200, replace=False)
    states = solve_states(lead_job.model, shell.k[chosen], shell.band[chosen])
    assert (states.multiplicity == 2).all()
    turn = np.linalg.qr(rng.normal(size=(200, 2, 2)) + 1j * rng.normal(size=(200, 2, 2)))[0]
    turned = replace(states, vectors=turn @ states.vectors, covariant=turn[:, None] @ states.covariant)
    part, cut = slice(0, 200), np.inf
    one, other = (problem.sources[0].prepared(s).evaluate(part, part, cut) for s in (states, turned))
    size = max(c.strength.max() for c in one)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(b.strength, a.strength, rtol=0, atol=1e-5 * size)
        assert max(np.abs(c.shift).max() for c in (a, b)) < 2e-5 * size  # angstrom


def test_graphene_is_two_dimensional():
    """0.3 eV above the Dirac point, quasi-elastic: isotropic, no Hall effect, and the points matter no more."""
    data = read("perturbo/graphene_epr.h5")
    dirac = data.energies([[1 / 3, 1 / 3, 0]])[0]
    assert np.ptp(dirac) < 1e-6
    exact, report = symmetrized(data, projections="C:pz", atoms=[("C", r) for r in data.atoms.positions])
    assert len(report["symmetry_operations"]) == 48 and report["coupling_change"] < 1e-5
    found = [
        run_transport(
            each.model,
            [ElectronPhononScatterer(each)],
            chemical_potential=dirac[0] + 0.3,
            temperatures=[300.0],
            settings=TransportSettings(energy_nodes=1, minimum=minimum),
        )
        for each, minimum in ((data, 48), (exact, 36))
    ]
    sigma = found[0].boltzmann[0]
    np.testing.assert_allclose(sigma, sigma[0, 0] * np.eye(2), atol=1e-4 * sigma[0, 0])
    np.testing.assert_allclose(found[1].boltzmann[0], sigma, atol=2e-3 * sigma[0, 0])
    for result in found:
        jump = result.side_jump_velocity[0] + result.side_jump_distribution[0]
        assert np.abs(jump).max() < 1e-6 * sigma[0, 0]
    assert data.model.spin_degeneracy == 2
    ohm = 25812.807 / (conductivity_unit(2)[0] * sigma[0, 0])
    assert 30 < ohm < 50
