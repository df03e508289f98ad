"""Coupling and container: finite displacements, normalisation, the acoustic limit, wrong use."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from helpers_abinitio import Toy, examined, polar
from sidejump.bands.lattice import LatticeModel
from sidejump.errors import InputError
from sidejump.formats.info import describe
from sidejump.units import HBAR2_OVER_2M
from sidejump.wannier.checks import examine
from sidejump.wannier.container import SOFT, mesh_points
from sidejump.wannier.quality import acoustic_exponent

TOY = Toy()


@pytest.fixture(scope="module")
def data():
    return examined(TOY.data())


def random_pairs(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n, 3)), rng.random((n, 3))


def test_sum_over_vectors_is_the_plain_double_sum(data):
    k, q = random_pairs(3)
    k[1] = k[0]  # rows that share k
    c = data.file_coupling
    expected = np.zeros((3, 6, 3, 3), dtype=complex)
    for p, e in itertools.product(range(len(c.rp_vectors)), range(len(c.re_vectors))):
        phase = np.exp(2j * np.pi * (k @ c.re_vectors[e] + q @ c.rp_vectors[p]))
        expected += phase[:, None, None, None] * c.values[p, :, e]
    np.testing.assert_allclose(c.at(k, q), expected, atol=1e-10)
    np.testing.assert_allclose(c.at(k, q, memory=1.0), expected, atol=1e-10)


def test_coupling_is_the_response_to_a_frozen_phonon(data):
    """H of a large periodic crystal with displaced atoms, by finite differences, between Bloch states."""
    size = np.array([5, 5, 5])  # more than twice the range, so that no bond meets its own image
    cells = np.array(list(itertools.product(*[range(n) for n in size])))
    k, q = np.array([1, 3, 2]) / size, np.array([2, 1, 4]) / size
    rng = np.random.default_rng(4)
    e = rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))

    def bloch_block(step, part):
        """<k + q, m| H |k, n> with u_a(R) = step Re or Im of e_a exp(i q.R)."""
        result = np.zeros((3, 3), dtype=complex)
        u = step * part(e * np.exp(2j * np.pi * (cells @ q))[:, None, None])
        where = {tuple(c): i for i, c in enumerate(cells.tolist())}
        for i, c in enumerate(cells):
            targets = c + TOY.vectors
            j = np.array([where[tuple(x)] for x in np.mod(targets, size).tolist()])
            d = (TOY.vectors @ TOY.cell)[:, None, None] + TOY.sites[None] - TOY.sites[:, None]
            d = d + u[j][:, TOY.owner][:, None] - u[i][TOY.owner][None, :, None]
            h = TOY.strength * TOY.hopping(d)[0]
            phase = np.exp(2j * np.pi * (targets @ k - c @ (k + q)))
            result += np.einsum("r,rmn->mn", phase, h)
        return result / len(cells)

    step = 1e-4
    response = sum(
        factor * (bloch_block(step, part) - bloch_block(-step, part)) / (2 * step)
        for part, factor in ((np.real, 1), (np.imag, 1j))
    )
    g = data.file_coupling.at(k[None], q[None])[0]
    # Re + i Im of the displacement pattern is the pattern itself
    np.testing.assert_allclose(response, np.einsum("c,cmn->mn", e.ravel(), g), atol=1e-6)


def test_normalised_vertex(data):
    """|g|^2 summed over bands and modes is a trace in the Wannier basis."""
    k, q = random_pairs(5)
    g = data.coupling(k, q, images="file")
    assert g.shape == (5, 3, 3, 6)
    vertex = data.wannier_vertex(k, q, "file")
    omega, modes = data.phonons.solve(q @ data.reciprocal_cell)
    for p, nu in itertools.product(range(5), range(6)):
        e = modes[p, :, nu] * np.sqrt(HBAR2_OVER_2M / (np.repeat(data.atoms.masses, 3) * omega[p, nu]))
        w = np.einsum("c,cmn->mn", e, vertex[p])
        assert np.sum(np.abs(g[p, :, :, nu]) ** 2) == pytest.approx(np.sum(np.abs(w) ** 2))
    energies = np.linalg.eigvalsh(data.electrons.hamiltonian(k @ data.reciprocal_cell))
    np.testing.assert_allclose(data.energies(k), energies)


def test_gauge_of_the_sites_does_not_matter(data):
    """The same crystal with the sites of H(k) elsewhere: |g| of non-degenerate bands is the same."""
    own = data.electrons
    moved = replace(data, electrons=LatticeModel(own.cell, own.vectors, own.hoppings), _cache={})
    k, q = random_pairs(6)
    np.testing.assert_allclose(np.abs(moved.coupling(k, q)), np.abs(data.coupling(k, q)), atol=1e-12)


def test_acoustic_limit(data):
    """A rigid shift does not couple and |g|^2 of acoustic modes grows as q."""
    assert data.checks["rigid_shift_coupling_eV_per_angstrom"] < 1e-12
    np.testing.assert_allclose(acoustic_exponent(data), 1.0, atol=0.05)
    gamma = data.coupling(random_pairs(2)[0], np.zeros((2, 3)))
    assert np.abs(gamma[..., :3]).max() < 1e-6  # no amplitude where omega vanishes


def test_imaginary_modes_are_reported_and_have_no_amplitude(data):
    constants = data.phonons.force_constants.copy()
    constants[np.flatnonzero(~data.phonons.vectors.any(axis=1))[0]] -= 8 * np.eye(6)
    soft = examine(replace(data, phonons=replace(data.phonons, force_constants=constants), checks={}, warnings=[]))
    assert soft.checks["imaginary_modes_on_mesh"] > 0
    omega = soft.phonon_energies(mesh_points(soft.q_mesh))
    assert soft.checks["imaginary_modes_without_amplitude"] == np.sum(omega < -SOFT)
    (sentence,) = (w for w in soft.warnings if "imaginary" in w)
    assert f"{np.sum(omega < -1e-5)} modes are imaginary" in sentence and "modulus" not in sentence
    k, q = random_pairs(4)
    omega, g = soft.phonon_energies(q), soft.coupling(k, q)
    assert (omega < -SOFT).any()
    assert not g.transpose(0, 3, 1, 2)[omega < -SOFT].any()
    assert np.all(np.abs(g.transpose(0, 3, 1, 2)[omega > 1e-3]).max(axis=(1, 2)) > 0)


def test_slightly_imaginary_modes_are_not_said_to_be_left_out(data):
    """Three acoustic modes just below zero keep an amplitude; with an optical mode well below, both are said."""
    home = np.flatnonzero(~data.phonons.vectors.any(axis=1))[0]
    constants = data.phonons.force_constants.copy()
    constants[home] -= 5e-4 * np.eye(6)
    modes = data.phonons.solve(np.zeros((1, 3)))[1][0].real
    root = np.sqrt(np.repeat(data.atoms.masses, 3))
    top = (root * modes[:, -1])[:, None] * (root * modes[:, -1])
    for extra, words in ((0, ["3 modes are", "3 within 1.36 meV"]), (1, ["4 modes are", "1 beyond", "3 within"])):
        strong = extra * (0.1**2 / (2 * HBAR2_OVER_2M)) * top
        changed = constants.copy()
        changed[home] -= strong
        phonons = replace(data.phonons, force_constants=changed)
        soft = examine(replace(data, phonons=phonons, q_mesh=(1, 1, 1), checks={}, warnings=[]))
        assert soft.checks["imaginary_modes_without_amplitude"] == extra
        (sentence,) = (w for w in soft.warnings if "imaginary" in w)
        assert all(word in sentence for word in words), sentence
        assert ("beyond" in sentence) == bool(extra)


def test_polar_part_is_added_on_the_diagonal(data):
    charged = replace(data, phonons=polar(TOY, alpha=0.5), _cache={})
    k, q = random_pairs(3)
    part = charged.wannier_vertex(k, q) - data.wannier_vertex(k, q)
    expected = charged.long_range.vertex(q @ data.reciprocal_cell)[:, :, None, None] * np.eye(3)
    np.testing.assert_allclose(part, expected, atol=1e-12)
    assert charged.hermiticity_violation(k, q) < 1e-12
    other = replace(charged, coupling_alpha=0.9)
    assert other.long_range.alpha == 0.9 and other.phonons.dipole_part.alpha == 0.5
    assert data.long_range is None


def test_electrons_of_a_finer_calculation(data):
    known = TOY.from_meshes()
    better = known.with_electrons(data.electrons)
    assert better.electrons is data.electrons
    assert better.checks["electrons_on_mesh_eV"] < 1e-9
    assert better.checks["electrons_centres_angstrom"] < 1e-9
    doubtful = replace(known, warnings=["the position matrix is poor", "the moon is full"], _cache={})
    doubtful.checks["position_centres_angstrom"] = 0.2
    replaced = doubtful.with_electrons(data.electrons)
    assert replaced.warnings == ["the moon is full"] and "position_centres_angstrom" not in replaced.checks
    own = data.electrons
    bare = LatticeModel(own.cell, own.vectors, own.hoppings, None, own.site_positions)
    kept = doubtful.with_electrons(bare)  # brings no position matrix, and no centres to compare
    assert kept.warnings == doubtful.warnings and kept.checks["position_centres_angstrom"] == 0.2
    with pytest.raises(InputError, match="matrix elements differ"):
        known.with_electrons(data.electrons.with_onsite(0.1 * np.eye(3)))
    with pytest.raises(InputError, match="instead of 3"):
        known.with_electrons(Toy(owner=[0, 1]).data().electrons)
    with pytest.raises(InputError, match="another cell"):
        known.with_electrons(Toy(cell=1.1 * TOY.cell).data().electrons)


def test_description(data):
    report = describe(data, n_samples=1)
    assert report["wannier_functions"] == 3 and report["position_matrix"] and not report["polar"]
    assert report["coupling_hermiticity_hermitian_images"] < 1e-12
    assert [a["symbol"] for a in report["atoms"]] == ["A", "B"]
    distance, size = report["decay"]["hamiltonian"]
    assert distance[0] == 0 and np.all(np.diff(distance) > 0) and size[-1] < 1e-2 * size[0]


def test_noise_is_no_magnetisation():
    """Real hoppings with a little noise that breaks time reversal: energies and curvature of a crystal without it."""
    toy = Toy()
    toy.strength = toy.strength.real
    noise = np.triu(np.random.default_rng(0).normal(size=(3, 3)), 1)
    for size, source in ((1e-4, "none"), (1.0, "curvature")):
        toy.strength = toy.strength.real + 1j * size * (noise - noise.T)
        report = describe(toy.from_meshes(), n_samples=2)
        assert report["symmetry"]["magnetisation_source"] == source
        assert np.any(report["symmetry"]["magnetisation"]) == (source != "none")


def rotated(data, angle):
    """The same with the coupling in another gauge: its first two Wannier functions turned."""
    u = np.eye(data.electrons.n_orbitals)
    u[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    values = u.T @ data.file_coupling.values @ u
    return replace(data, file_coupling=replace(data.file_coupling, values=values), checks={}, warnings=[])


def test_coupling_of_another_wannierisation_is_said():
    """Sizes and Hermiticity are right; a rigid shift within states tells."""
    toy = Toy(seed=3)
    toy.onsite[2, 2] += 4.0
    toy.derivative = np.zeros((3, 3, 3))
    toy.derivative[:, 0, 1] = [0.6, -0.4, 0.5]
    toy.derivative -= toy.derivative.swapaxes(1, 2)
    data = examined(toy.from_meshes())
    assert data.checks["rigid_shift_close_states"] < 1e-10
    assert data.checks["rigid_shift_coupling_eV_per_angstrom"] < 1e-10
    assert not any("rigid shift" in w for w in data.warnings)
    found = examined(rotated(data, 0.02))
    assert 0.001 < found.checks["rigid_shift_close_states"] < 0.15
    assert not any("states of nearly one energy" in w for w in found.warnings)
    found = examined(rotated(data, 0.12))
    (sentence,) = (w for w in found.warnings if "states of nearly one energy" in w)
    assert f"{found.checks['rigid_shift_close_states']:.2g} times as strongly" in sentence
    assert any("states of nearly one energy" in w for w in examined(rotated(data, np.pi / 2)).warnings)
    for angle in (0.5, 1.0):
        found = examined(rotated(data, angle))
        assert found.checks["rigid_shift_close_states"] > 0.3
        assert any(
            "the coupling hardly belongs to the Wannier functions of the Hamiltonian" in w for w in found.warnings
        )


def test_poor_interpolation_is_said_and_kept():
    """A coarse mesh of a coupling that hardly decays; orbitals on which a rigid shift acts."""
    toy = Toy(decay=2.5)
    data = examined(toy.from_meshes((2, 2, 2), (2, 2, 2)))
    assert (
        data.checks["coupling_hermiticity_file_images"]
        > 0.3
        > 1e-9
        > data.checks["coupling_hermiticity_hermitian_images"]
    )
    assert len(data.checks["acoustic_exponent"]) == 2
    (sentence,) = (w for w in data.warnings if "off the coarse mesh" in w)
    assert f"{data.checks['coupling_hermiticity_file_images']:.2g} of the largest element" in sentence
    c = data.file_coupling
    values = c.values.copy()
    home = [np.flatnonzero(~v.any(axis=1))[0] for v in (c.rp_vectors, c.re_vectors)]
    values[home[0], 0, home[1]] += 1.5 * np.eye(3)
    shifted = examined(replace(data, file_coupling=replace(c, values=values), checks={}, warnings=[]))
    assert shifted.checks["rigid_shift_coupling_eV_per_angstrom"] == pytest.approx(1.5, abs=1e-9)
    (sentence,) = (w for w in shifted.warnings if "rigid shift of the crystal" in w)
    assert "1.5 eV/angstrom" in sentence


def test_inconsistent_sets_are_refused(data):
    k, q = random_pairs(2)
    with pytest.raises(InputError, match='images = "nearest"'):
        data.coupling(k, q, images="nearest")
    with pytest.raises(InputError, match="same shape"):
        data.file_coupling.at(k, q[:1])
    with pytest.raises(InputError, match=r"expected \(n, 3\)"):
        data.energies(np.zeros((2, 2)))
    with pytest.raises(InputError, match="use files of one run"):
        replace(data, electrons=Toy(owner=[0, 1]).data().electrons)
    with pytest.raises(InputError, match=r"toy: k mesh \[4, 4, 4\] is no multiple of q mesh \[2, 2, 3\]"):
        examine(replace(data, q_mesh=(2, 2, 3), checks={}, warnings=[]))
    rng = np.random.default_rng(0)
    c = data.file_coupling
    noise = replace(c, values=c.values + rng.normal(size=c.values.shape) * np.abs(c.values).max())
    with pytest.raises(InputError, match="on the coarse mesh; the files are of different runs"):
        examine(replace(data, file_coupling=noise, checks={}, warnings=[]))
    constants = data.phonons.force_constants + rng.normal(size=data.phonons.force_constants.shape)
    with pytest.raises(InputError, match=r"force constants C_ab\(R\) and C_ba\(-R\) differ by"):
        examine(replace(data, phonons=replace(data.phonons, force_constants=constants), checks={}, warnings=[]))


def test_mesh_points():
    points = mesh_points((2, 1, 3))
    assert points.shape == (6, 3) and not points[0].any()
    np.testing.assert_allclose(points[-1], [0.5, 0, 2 / 3])
