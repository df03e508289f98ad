"""Image choice: Wigner-Seitz sets, Hermiticity everywhere, nothing lost on the mesh, and nearer to the truth."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from helpers_abinitio import CELL, Toy
from sidejump.errors import InputError
from sidejump.wannier.checks import mesh_hermiticity
from sidejump.wannier.container import mesh_points
from sidejump.wannier.coupling import Coupling
from sidejump.wannier.images import fold, hermitian_images, minimal_images, on_atoms

BCC = 1.435 * np.array([[1.0, 1, 1], [-1, 1, 1], [-1, -1, 1]])
FCC = 2.8 * np.array([[-1.0, 0, 1], [0, 1, 1], [-1, 1, 0]])
SKEW = np.array([[1.0, 0, 0], [2.4, 1.2, 0], [1.7, 2.2, 1.1]])
HEXAGONAL = np.array([[2.46, 0, 0], [-1.23, 1.23 * 3**0.5, 0], [0, 0, 12.0]])


@pytest.mark.parametrize(
    ("cell", "mesh", "count"),
    [(BCC, (4, 4, 4), 89), (BCC, (2, 2, 2), 15), (FCC, (3, 3, 3), 43), (HEXAGONAL, (6, 6, 1), 43)],
)
def test_number_of_vectors_known_from_real_files(cell, mesh, count):
    vectors, ties = minimal_images(cell, mesh, np.zeros(3))
    assert len(vectors) == count
    assert np.sum(1 / ties) == pytest.approx(np.prod(mesh))


@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (0.7, -1.3, 2.1), (4.1, 3.9, -5.0)])
def test_minimal_images_against_brute_force(shift):
    for cell, mesh in ((CELL, (3, 2, 2)), (BCC, (2, 2, 2)), (SKEW, (2, 2, 1))):
        vectors, ties = minimal_images(cell, mesh, np.array(shift))
        around = np.array(list(itertools.product(range(-12, 13), repeat=3)))
        found = []
        for base in itertools.product(*[range(n) for n in mesh]):
            images = base + around * mesh
            square = np.sum((images @ cell + shift) ** 2, axis=1)
            best = images[square < square.min() + 1e-6]
            found += [(*r, len(best)) for r in best.tolist()]
        assert sorted(found) == sorted((*r, t) for r, t in zip(vectors.tolist(), ties.tolist(), strict=True))


def random_set(k_mesh, q_mesh, cell, positions, centres, seed=0):
    """A coupling that is Hermitian on the coarse meshes and otherwise random, images nearest to the origin."""
    rng = np.random.default_rng(seed)
    n, nat = len(centres), len(positions)
    re, _ = minimal_images(cell, k_mesh, np.zeros(3))
    rp, _ = minimal_images(cell, q_mesh, np.zeros(3))
    shape = (len(rp), 3 * nat, len(re), n, n)
    rough = Coupling(re, rp, rng.normal(size=shape) + 1j * rng.normal(size=shape))
    options = dict(cell=cell, positions=positions, centres=centres, k_mesh=k_mesh, q_mesh=q_mesh)
    return rough, options


@pytest.mark.parametrize(
    ("cell", "k_mesh", "q_mesh"),
    [
        (CELL, (2, 2, 2), (2, 2, 2)),
        (CELL, (4, 2, 3), (2, 1, 3)),
        (BCC, (4, 4, 4), (2, 2, 2)),
        (HEXAGONAL, (6, 6, 1), (3, 3, 1)),
    ],
)
def test_hermitian_images_are_hermitian_everywhere(cell, k_mesh, q_mesh):
    positions = np.array([[0.0, 0.0, 0.0], [0.3, 0.4, 0.2]])
    centres = np.array([[0.0, 0.0, 0.0], [0.31, 0.4, 0.2], [1.0, 0.7, -0.4]])
    rough, options = random_set(k_mesh, q_mesh, cell, positions, centres)
    good = hermitian_images(rough, project=True, **options)
    rng = np.random.default_rng(5)
    k, q = rng.random((6, 3)), rng.random((6, 3))
    np.testing.assert_allclose(good.at(k, q), good.at(k + q, -q).conj().swapaxes(2, 3), atol=1e-12)
    assert np.abs(rough.at(k, q) - rough.at(k + q, -q).conj().swapaxes(2, 3)).max() > 1
    # on the mesh nothing but the Hermitian part is taken
    k, q = mesh_points(k_mesh)[:5], mesh_points(q_mesh)[-5:]
    k, q = k[: min(len(k), len(q))], q[: min(len(k), len(q))]
    part = 0.5 * (rough.at(k, q) + rough.at(k + q, -q).conj().swapaxes(2, 3))
    np.testing.assert_allclose(good.at(k, q), part, atol=1e-11)


def test_values_on_the_mesh_stay_those_of_the_file():
    rough, options = random_set((4, 2, 2), (2, 2, 1), CELL, np.zeros((1, 3)), np.array([[0.0, 0, 0], [0.5, 1, 1.2]]))
    moved = hermitian_images(rough, **options)
    k, q = (np.repeat(mesh_points((4, 2, 2)), 4, axis=0), np.tile(mesh_points((2, 2, 1)), (16, 1)))
    np.testing.assert_allclose(moved.at(k, q), rough.at(k, q), atol=1e-11)
    folded = fold(rough, (4, 2, 2), (2, 2, 1))
    assert mesh_hermiticity(folded, (4, 2, 2), (2, 2, 1)) > 0.1


def test_hermitian_images_are_nearer_to_the_truth():
    """Couplings that decay: interpolated from coarse meshes, compared with the exact ones."""
    toy = Toy(decay=0.55)
    exact, known = toy.data(), toy.from_meshes()
    rng = np.random.default_rng(2)
    k, q = rng.random((20, 3)), rng.random((20, 3))
    truth = exact.file_coupling.at(k, q)
    scale = np.abs(truth).max()
    error = {name: np.abs(known.coupling_matrix(name).at(k, q) - truth).max() / scale for name in ("file", "hermitian")}
    assert error["hermitian"] < 0.5 * error["file"]
    assert known.hermiticity_violation(k, q, "hermitian") < 1e-13
    assert known.hermiticity_violation(k, q, "file") > 0.01


def test_functions_near_an_atom_are_put_on_it():
    positions = np.array([[0.0, 0.0, 0.0]])
    centres = np.array([[0.4, 0.1, 0.0], *(CELL[:2] + 0.05), [1.5, 1.4, 1.6]])
    found = on_atoms(centres, positions, CELL)
    np.testing.assert_allclose(found, [[0, 0, 0], CELL[0], CELL[1], [1.5, 1.4, 1.6]], atol=1e-12)


def test_the_nearest_atom_is_found_in_cells_told_by_long_vectors():
    positions, rng = np.array([[0.1, 0.2, 0.3], [1.5, 1.4, 1.6]]), np.random.default_rng(5)
    told = np.array([[1, 0, 0], [-8, 1, 0], [3, -7, 1]]) @ CELL
    centres = positions[rng.integers(2, size=20)] + rng.integers(-9, 10, (20, 3)) @ CELL
    noise = rng.uniform(-0.1, 0.1, (20, 3))
    np.testing.assert_allclose(on_atoms(centres + noise, positions, told), centres, atol=1e-9)


def test_meshes_must_fit_together():
    rough, options = random_set((3, 3, 3), (2, 2, 2), CELL, np.zeros((1, 3)), np.zeros((1, 3)))
    with pytest.raises(InputError, match=r"k mesh \[3, 3, 3\] is no multiple of q mesh \[2, 2, 2\]"):
        hermitian_images(rough, **options)
    with pytest.raises(InputError, match="values has shape"):
        replace(rough, values=rough.values[:-1])


def test_pairs_of_cells_are_the_dense_coupling():
    """The pairs that are kept give every sum of the dense array, and are what is not zero in it."""
    centres = np.array([[0.0, 0.0, 0.0], [0.31, 0.4, 0.2], [1.0, 0.7, -0.4]])
    rough, options = random_set((4, 4, 4), (2, 2, 2), BCC, np.array([[0.0, 0.0, 0.0], [0.3, 0.4, 0.2]]), centres)
    pairs = hermitian_images(rough, **options)
    dense = pairs.dense()
    again = dense.pairs()
    for name in ("first", "re", "rp", "values"):
        np.testing.assert_array_equal(getattr(again, name), getattr(pairs, name))
    rng = np.random.default_rng(3)
    k, q = rng.random((4, 3)), rng.random((4, 3))
    np.testing.assert_allclose(pairs.at(k, q), dense.at(k, q), atol=1e-12)
    np.testing.assert_allclose(pairs.rigid_shift(), dense.rigid_shift(), atol=1e-12)
    assert pairs.largest == dense.largest
    assert pairs.values.nbytes < 0.4 * dense.values.nbytes
