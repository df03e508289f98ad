"""Vertices of a spin that is known at every k, as .spn files give it: magnons and impurities that couple to it."""

import numpy as np
import pytest

import sidejump as sj
from helpers_models import random_wannier, rashba_lattice
from sidejump.app.invariances import _seen
from sidejump.app.run import prepare
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.momentum import MomentumTransfer
from sidejump.bands.spin_sum import SpinSum
from sidejump.bands.states import shell_states
from sidejump.bands.transformed import Transformed, transformed_lattice
from sidejump.bands.vertex import SpinLowering, vertex_operator
from sidejump.interactions.sources import pair_sources
from sidejump.wannier.position import position_elements
from test_spin_matrices import Run, question

SPIN = np.stack([np.kron(np.eye(2), s) for s in sj.PAULI])
COUNT = 9


def with_series(model, vectors, series):
    """The same crystal with the spin of a series (nR, 3, N, N) in place of constant matrices."""
    other = LatticeModel(model.cell, model.vectors, model.hoppings, position_elements(model), model.site_positions)
    other.spin_models = tuple(
        LatticeModel(model.cell, vectors, series[:, c], sites=model.site_positions) for c in range(3)
    )
    return other


def constant_and_series(dimension):
    """A crystal whose spin partners sit apart: with constant matrices, and with their elements on the lattice."""
    model = random_wannier(dimension=dimension, n=4)
    model = LatticeModel(
        model.cell, model.vectors, model.hoppings, position_elements(model), model.site_positions, SPIN
    )
    operator = model.lattice_operator(SPIN)
    assert operator.between_sites
    return model, with_series(model, operator.cells, operator.home)


def general(dimension=3, seed=4):
    """A spin that is a series of its own."""
    model, rng = random_wannier(dimension=dimension, n=4), np.random.default_rng(seed)
    n_r = len(model.vectors)
    x = rng.normal(size=(n_r, 3, 4, 4)) + 1j * rng.normal(size=(n_r, 3, 4, 4))
    series = 0.05 * (x + x[::-1].conj().swapaxes(-1, -2))
    series[n_r // 2] += 0.4 * SPIN
    return with_series(model, model.vectors, series)


def scatterers(dimension):
    magnons = sj.magnons(
        stiffness=3.0, exchange_splitting=0.1, spin_density=1e15 if dimension == 2 else 1e22, gap=1e-3,
        dimension=dimension, spin_direction=(0.2, 0.5, 1.0),
    )  # fmt: skip
    impurities = sj.impurity(
        correlation="zero_range", density=1e11, strength=1.0, dimension=dimension, vertex="sigma_y"
    )
    return [magnons, impurities]


def channels(model, others=None):
    """Of pairs of random states: absorbed and emitted magnons, impurities."""
    d = model.dimension
    momentum, rng = MomentumTransfer(model.reciprocal_cell, d), np.random.default_rng(1)
    k = momentum.first_zone(rng.uniform(-2, 2, (COUNT, d)))
    states = shell_states(model, k, rng.integers(0, 4, COUNT), 1e-6)
    everything = slice(0, COUNT)
    found = [
        channel
        for source in pair_sources(others or scatterers(d), model, momentum)
        for channel in source.prepared(states).evaluate(everything, everything, np.inf)
    ]
    return k, states, found


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_series_gives_what_its_constant_matrices_give(dimension):
    """Strengths and shifts, with Umklapp and a position matrix."""
    one, other = constant_and_series(dimension)
    assert isinstance(vertex_operator("sigma_y", other), SpinSum)
    for a, b in zip(channels(one)[2], channels(other)[2], strict=True):
        np.testing.assert_allclose(b.strength, a.strength, atol=1e-12 * a.strength.max())
        np.testing.assert_allclose(b.shift, a.shift, atol=1e-11 * np.abs(a.shift).max())


def test_the_operator_of_a_general_series_and_its_derivatives():
    """``(S(k) + S(k'))/2 + (i/2) q.A`` of the lowering operator; absorbed one way, emitted the other."""
    model = general()
    k, states, (absorbs, emits, _) = channels(model)
    apart = ~np.eye(COUNT, dtype=bool)
    np.testing.assert_allclose(emits.strength, absorbs.strength.T, atol=1e-12 * absorbs.strength.max())
    np.testing.assert_allclose(emits.shift, -absorbs.shift.swapaxes(1, 2), atol=1e-11 * np.abs(absorbs.shift).max())
    assert np.abs(absorbs.strength - absorbs.strength.T).max() > 0.1 * absorbs.strength.max()
    lowering = SpinLowering((0.2, 0.5, 1.0))
    pairs = np.argwhere(np.linalg.norm(k[:, None] - k, axis=2) + 9.0 * ~apart < 1.0)
    assert len(pairs)
    for i, j in pairs:
        ends = k[[i, j]]
        x = np.stack([lowering.matrix(spin) for spin in model.spin_operator(ends)])
        a = model.position_matrix(ends)
        first = 0.25 * np.einsum("c,scab->ab", k[j] - k[i], x[:, None] @ a + a @ x[:, None])
        value = states.vectors[j, 0].conj() @ (x.mean(axis=0) + 1j * first) @ states.vectors[i, 0]
        assert absorbs.strength[i, j] == pytest.approx(abs(value) ** 2, rel=1e-10)
    operator, step = vertex_operator(lowering, model, hermitian=False), 1e-5
    for axis in range(3):
        moved = step * np.eye(3)[axis]
        slope = (operator(k + moved) - operator(k - moved)) / (2 * step)
        np.testing.assert_allclose(operator.gradient(k)[:, axis], slope, atol=1e-7)
        np.testing.assert_allclose(operator.adjoint.gradient(k)[:, axis], slope.conj().swapaxes(1, 2), atol=1e-7)


@pytest.mark.parametrize("lattice", [True, False])
def test_phases_of_orbitals_change_nothing(lattice):
    model, phases = general(), np.exp(1j * np.array([0.3, 2.0, -1.0, 0.7]))
    if lattice:
        other = transformed_lattice(model, position_elements(model), phases, False)
    else:
        other = Transformed(model, phases)
    assert other.has_spin and other.spin is None
    for a, b in zip(channels(model)[2], channels(other)[2], strict=True):
        np.testing.assert_allclose(b.strength, a.strength, atol=1e-11 * a.strength.max())
        np.testing.assert_allclose(b.shift, a.shift, atol=1e-10 * np.abs(a.shift).max())


def test_a_run_with_magnons_is_that_of_the_constant_spin():
    """Rashba ferromagnet on a square lattice: every conductivity, with what symmetry allows."""
    model = rashba_lattice().with_onsite(0.15 * sj.PAULI[2])
    other = with_series(model, np.zeros((1, 2), dtype=int), np.array(sj.PAULI)[None])
    magnons = sj.magnons(
        stiffness=3.0, exchange_splitting=0.1, spin_density=1e15, gap=1e-3, dimension=2, spin_direction=(0, 0, -1)
    )
    one, two = (
        sj.anomalous_hall(
            m, magnons, chemical_potential=-1.7, temperatures=[100.0], tolerance=0.5, intrinsic_tolerance=0.1,
            geometry="shared", energy_nodes=1, accuracy=0.5, replicas=range(1),
        )
        for m in (model, other)
    )  # fmt: skip
    assert abs(one.sigma_side_jump).max() > 1e-3
    for name in ("sigma_boltzmann", "sigma_side_jump", "sigma_intrinsic"):
        np.testing.assert_allclose(two[name], one[name], rtol=0, atol=1e-6 * float(abs(one[name]).max()))


def test_an_input_file_with_spin_matrices_has_magnons(tmp_path):
    folder = Run().write(tmp_path)
    given = question(folder, spn=str(folder / "x.spn"))
    magnons = {"kind": "magnons", "stiffness": 1.0, "exchange_splitting": 0.1, "spin_density": 1e22}
    job = prepare(given | {"scattering": [magnons, given["scattering"][0] | {"vertex": "sigma_z"}]})
    k = np.random.default_rng(5).random((4, 3))
    [lowering, told] = (vertex_operator(s.vertex, job.model, hermitian=not s.directed) for s in job.scatterers)
    spin = job.model.spin_operator(k @ job.model.reciprocal_cell)
    np.testing.assert_allclose(told(k @ job.model.reciprocal_cell), spin[:, 2], atol=1e-12)
    expected = SpinLowering().matrix(spin.transpose(1, 0, 2, 3))
    np.testing.assert_allclose(lowering(k @ job.model.reciprocal_cell), expected, atol=1e-12)
    reversed_job = _seen(job, 1.0, True)
    assert reversed_job.model.has_spin
    with pytest.raises(sj.InputError, match="has no spin matrices to flip; give spin_ordering or spn"):
        prepare(question(folder) | {"scattering": [magnons], "observable": []})
