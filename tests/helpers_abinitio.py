"""A crystal whose electron-phonon coupling is known: orbitals that move with their atoms, hoppings that decay.

    H_mn(R) = A_mn exp(-(|d| - 2)/a),  d = R + tau_n - tau_m,        (A Hermitian)

The coupling is the derivative of H to the displacements; a rigid shift costs nothing, so that the acoustic limit is
exact.  Springs with the same range give the force constants.
"""

import itertools
from dataclasses import replace

import numpy as np

from sidejump.bands.lattice import LatticeModel
from sidejump.wannier.checks import examine
from sidejump.wannier.container import Atoms, ElectronPhonon
from sidejump.wannier.coupling import Coupling
from sidejump.wannier.images import minimal_images
from sidejump.wannier.phonons import Phonons

CELL = np.array([[3.0, 0.1, 0.0], [0.2, 2.9, 0.3], [-0.1, 0.4, 3.2]])
POSITIONS = np.array([[0.0, 0.0, 0.0], [1.4, 1.6, 1.5]])
MASSES = np.array([20000.0, 50000.0])
OWNER = np.array([0, 0, 1])  # atom of each orbital
RANGE = 0.7


class Toy:
    """`cutoff` in cells; every array over all pairs within it.

    `derivative` (3, n, n), antisymmetric within the orbitals of each atom: the orbitals do not move quite with it, and
    ``D_a H(k) - H(k + q) D_a`` is added to the coupling, for a rigid shift the commutator of D and H.
    """

    derivative = None

    def __init__(self, cell=CELL, positions=POSITIONS, masses=MASSES, owner=OWNER, cutoff=2, decay=RANGE, seed=1):
        rng = np.random.default_rng(seed)
        self.cell, self.positions, self.masses = cell, positions, masses
        self.owner, self.decay = np.asarray(owner), decay
        n = len(self.owner)
        a = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
        self.strength = a + a.conj().T
        self.onsite = np.diag(rng.normal(size=n))
        self.vectors = np.array(list(itertools.product(range(-cutoff, cutoff + 1), repeat=3)))
        self.sites = positions[self.owner]

    def _bonds(self, centres):
        d = (self.vectors @ self.cell)[:, None, None] + centres[None] - centres[:, None]
        return d, np.linalg.norm(d, axis=-1)

    def hopping(self, d):
        """Radial function and its gradient to d, zero at d = 0."""
        length = np.linalg.norm(d, axis=-1)
        safe = np.where(length > 1e-8, length, 1.0)
        f = np.where(length > 1e-8, np.exp(-(safe - 2) / self.decay), 0.0)
        return f, -f[..., None] / self.decay * d / safe[..., None]

    def hoppings(self):
        f, _ = self.hopping(self._bonds(self.sites)[0])
        h = self.strength * f
        h[np.flatnonzero(~self.vectors.any(axis=1))[0]] += self.onsite
        return h

    def coupling(self):
        """dH_mn(Re)/du of an atom in cell Rp: the ket's atom (Rp = Re) less the bra's (Rp = 0)."""
        _, gradient = self.hopping(self._bonds(self.sites)[0])
        gradient = self.strength[..., None] * gradient  # (nR, m, n, 3)
        n_r, n, nat = len(self.vectors), len(self.owner), len(self.masses)
        values = np.zeros((n_r, nat, 3, n_r, n, n), dtype=complex)
        home = np.flatnonzero(~self.vectors.any(axis=1))[0]
        for m, k in itertools.product(range(n), repeat=2):
            for e in range(n_r):
                values[e, self.owner[k], :, e, m, k] += gradient[e, m, k]
                values[home, self.owner[m], :, e, m, k] -= gradient[e, m, k]
        if self.derivative is not None:
            h = self.hoppings()
            for a in range(nat):
                d = self.derivative * np.outer(self.owner == a, self.owner == a)
                values[home, a] += np.einsum("cmj,ejn->cemn", d, h)
                for e in range(n_r):
                    values[e, a, :, e] -= h[e] @ d
        return Coupling(self.vectors, self.vectors, values.reshape(n_r, 3 * nat, n_r, n, n))

    def force_constants(self):
        d, length = self._bonds(self.positions)
        nat = len(self.masses)
        safe = np.where(length > 1e-8, length, 1.0)
        k = np.where(length > 1e-8, 3 * np.exp(-(safe - 2) / 0.8), 0.0)
        unit = d / safe[..., None]
        c = -k[..., None, None] * (0.8 * unit[..., :, None] * unit[..., None, :] + 0.2 * np.eye(3))
        home = np.flatnonzero(~self.vectors.any(axis=1))[0]
        for a in range(nat):
            c[home, a, a] -= c[:, a].sum(axis=(0, 1))
        return c.transpose(0, 1, 3, 2, 4).reshape(len(self.vectors), 3 * nat, 3 * nat)

    def phonons(self, **options):
        return Phonons(self.cell, self.positions, self.masses, self.vectors, self.force_constants(), **options)

    def data(self, k_mesh=(4, 4, 4), q_mesh=(2, 2, 2), positions=True, **options):
        """The set as it is, without the loss of a coarse mesh."""
        n = len(self.owner)
        r = np.zeros((len(self.vectors), 3, n, n), dtype=complex)
        home = np.flatnonzero(~self.vectors.any(axis=1))[0]
        for axis in range(3):
            r[home, axis] = np.diag(self.sites[:, axis])
        electrons = LatticeModel(self.cell, self.vectors, self.hoppings(), r if positions else None, self.sites)
        return ElectronPhonon(
            electrons,
            self.phonons(),
            self.coupling(),
            Atoms(("A", "B", "C")[: len(self.masses)], self.positions, self.masses),
            self.sites,
            k_mesh,
            q_mesh,
            fermi_energy=0.3,
            source="toy",
            **options,
        )

    def from_meshes(self, k_mesh=(4, 4, 4), q_mesh=(2, 2, 2), **options):
        """What a calculation on coarse meshes knows, with images nearest to the home cell, as EPW stores it."""
        exact = self.data(k_mesh, q_mesh, **options)
        return replace(exact, **coarse(exact), checks={}, warnings=[], _cache={})


LAYER = np.array([[4.0, 0.0, 0.0], [2.1, 3.4, 0.0], [0.0, 0.0, 9.0]])
LAYER_POSITIONS = np.array([[0.0, 0.0, 3.0], [2.0, 0.1, 3.5], [1.0, 1.7, 3.3]])


class Layer(Toy):
    """A buckled kagome layer in the xy plane; `flux`: phase around a triangle, zero with time reversal."""

    def __init__(self, cell=LAYER, positions=LAYER_POSITIONS, *, cutoff=1, flux=1.2, **options):
        masses = np.array([20000.0, 50000.0, 30000.0])
        super().__init__(cell, positions, masses, np.arange(3), cutoff, **options)
        self.vectors = self.vectors[self.vectors[:, 2] == 0]
        turn = np.exp(1j * flux / 3)
        self.strength = -np.array([[1, turn, turn.conj()], [turn.conj(), 1, turn], [turn, turn.conj(), 1]])
        self.onsite = np.diag([0.0, 0.3, -0.2])

    def data(self, k_mesh=(3, 3, 1), q_mesh=(3, 3, 1), positions=True, **options):
        return super().data(k_mesh, q_mesh, positions, **{"two_dimensional": True} | options)


def turned(angle):
    """The same layer, turned about the normal (radians)."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    return turn, Layer(LAYER @ turn.T, LAYER_POSITIONS @ turn.T)


def coarse(data):
    """Electrons, phonons and coupling folded into the supercells, then spread over the nearest images."""
    from sidejump.wannier.images import fold, fold_vectors, mesh_class
    from sidejump.wannier.position import position_elements

    re, re_ties = minimal_images(data.cell, data.k_mesh, np.zeros(3))
    rp, rp_ties = minimal_images(data.cell, data.q_mesh, np.zeros(3))

    def spread(vectors, values, mesh, target, ties):
        folded = fold_vectors(vectors, values, mesh)[mesh_class(target, mesh)]
        return folded / ties.reshape(-1, *[1] * (values.ndim - 1))

    own = data.electrons
    r = position_elements(own)
    electrons = LatticeModel(
        data.cell,
        re,
        spread(own.vectors, own.hoppings, data.k_mesh, re, re_ties),
        None if r is None else spread(own.vectors, r, data.k_mesh, re, re_ties),
        own.site_positions,
    )
    phonons = replace(
        data.phonons,
        vectors=rp,
        force_constants=spread(data.phonons.vectors, data.phonons.force_constants, data.q_mesh, rp, rp_ties),
    )
    folded = fold(data.file_coupling, data.k_mesh, data.q_mesh)
    values = folded[mesh_class(rp, data.q_mesh)][:, :, mesh_class(re, data.k_mesh)]
    values = values / rp_ties[:, None, None, None, None] / re_ties[:, None, None]
    return {"electrons": electrons, "phonons": phonons, "file_coupling": Coupling(re, rp, values)}


def examined(data):
    return examine(data)


def polar(toy, **options):
    """Neutral Born charges and a dielectric tensor for the toy's two atoms."""
    charge = np.array([[1.6, 0.1, 0.0], [0.0, 1.5, 0.2], [0.1, 0.0, 1.7]])
    dielectric = np.array([[5.0, 0.2, 0.0], [0.2, 4.5, 0.1], [0.0, 0.1, 6.0]])
    return toy.phonons(born_charges=np.stack([charge, -charge]), dielectric=dielectric, **options)
