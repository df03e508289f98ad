"""Models of neighbouring programs against their own numbers: H(k) in both conventions, bands, Berry curvature.

Each test runs where its package is installed: pip install "sidejump[interop]" kwant pythtb wannierberri.
"""

import sys
import warnings

import numpy as np
import pytest

import sidejump as sj
from helpers_models import random_wannier
from helpers_wannier90 import write_tb
from sidejump.app.run import prepare
from sidejump.errors import InputError
from sidejump.intrinsic.berry import band_curvature


def package(name):
    """The package, or the test is skipped; what it says of itself when it is imported is no concern of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


def curvature(model, k):
    """Berry curvature of each band, (nk, 3 or 1, N), angstrom^2."""
    return band_curvature(model, k)[2]


KAPPA = np.random.default_rng(7).uniform(-1.5, 1.5, (6, 3))


def kappa(model):
    """Random points in crystal coordinates, and the same in 1/angstrom."""
    points = KAPPA[:, : model.dimension]
    return points, points @ model.reciprocal_cell


def phases(model, k):
    """exp(i k.tau), (nk, N)."""
    return np.exp(1j * k @ model.site_positions.T)


def in_both(model, atomic, lattice):
    """H(k) with the positions in the phases is `atomic`, and without them `lattice`, at `kappa`."""
    _, k = kappa(model)
    found, site = model.hamiltonian(k), phases(model, k)
    if atomic is not None:
        np.testing.assert_allclose(found, atomic, atol=1e-12)
    np.testing.assert_allclose(site[:, :, None] * found * site.conj()[:, None], lattice, atol=1e-12)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("sparse", [False, True])
def test_tbmodels(d, sparse, tmp_path):
    tbmodels = package("tbmodels")
    ours = random_wannier(d, 3, seed=d, position=False)
    reduced = ours.site_positions @ np.linalg.inv(ours.cell)  # some outside of the cell: TBmodels moves them
    hops = {tuple(r): h for r, h in zip(ours.vectors.tolist(), ours.hoppings, strict=True)}
    theirs = tbmodels.Model(hop=hops, pos=reduced, uc=ours.cell, sparse=sparse)
    found = sj.from_tbmodels(theirs)
    points, _ = kappa(found)
    in_both(found, theirs.hamilton(points, convention=1), theirs.hamilton(points, convention=2))
    np.testing.assert_allclose(found.energies(points), ours.energies(points), atol=1e-12)
    k = points @ ours.reciprocal_cell
    np.testing.assert_allclose(curvature(found, k), curvature(ours, k), atol=1e-8)
    in_units = sj.from_tbmodels(theirs, energy_unit=13.6, length_unit=0.529)
    np.testing.assert_allclose(in_units.energies(points), 13.6 * found.energies(points), atol=1e-11)
    np.testing.assert_allclose(in_units.cell, 0.529 * found.cell)
    theirs.to_hdf5_file(str(tmp_path / "x.hdf5"))
    np.testing.assert_allclose(sj.read_tbmodels(tmp_path / "x.hdf5").hoppings, found.hoppings)


def pythtb_model(pythtb, d, spinful, height=False, seed=3):
    """Random hops on three orbitals that repeat along d directions; `height`: with a third lattice vector above."""
    rng = np.random.default_rng(seed)
    space = d + height
    cell = 2.5 * np.eye(space) + 0.3 * rng.normal(size=(space, space))
    cell[:d, d:] = cell[d:, :d] = 0.0  # PythTB drops what a third vector adds to positions in the plane
    orbitals = rng.uniform(-0.3, 0.9, (3, space))
    if hasattr(pythtb, "TBModel"):
        lattice = pythtb.Lattice(lat_vecs=cell, orb_vecs=orbitals, periodic_dirs=list(range(d)))
        model = pythtb.TBModel(lattice=lattice, spinful=spinful)
    else:
        model = pythtb.tb_model(d, space, cell, orbitals, nspin=2 if spinful else 1)
    size = 4 if spinful else 1  # coefficients of 1, sx, sy, sz
    onsite = rng.normal(size=(3, size))
    model.set_onsite(onsite.tolist() if spinful else onsite[:, 0].tolist())
    for number, (i, j) in enumerate([(0, 1), (1, 2), (2, 0), (0, 0), (1, 1), (0, 1), (2, 1)]):
        r = np.zeros(space, dtype=int)
        r[:d] = rng.integers(-1, 2, d)
        r[number % d] = 1 + number // 5
        t = rng.normal(size=size) + 1j * rng.normal(size=size)
        model.set_hop(t.tolist() if spinful else complex(t[0]), i, j, r.tolist())
    return model


@pytest.mark.parametrize("spinful", [False, True])
@pytest.mark.parametrize(("d", "height"), [(2, False), (2, True), (3, False)])
def test_pythtb(spinful, d, height):
    """Of version 1.8 and of 2, whichever is installed."""
    theirs = pythtb_model(package("pythtb"), d, spinful, height)
    found = sj.from_pythtb(theirs)
    points, _ = kappa(found)
    n = found.n_orbitals
    if hasattr(theirs, "_gen_ham"):
        atomic = np.stack([np.reshape(theirs._gen_ham(x), (n, n)) for x in points])
    else:
        atomic = np.reshape(theirs.hamiltonian(points), (len(points), n, n))
    site = phases(found, kappa(found)[1])
    in_both(found, atomic, site[:, :, None] * atomic * site.conj()[:, None])
    energies = theirs.solve_all(points).T if hasattr(theirs, "_gen_ham") else theirs.solve_ham(points)
    np.testing.assert_allclose(found.energies(points), energies, atol=1e-12)
    assert (found.spin is not None) == spinful
    if spinful:
        np.testing.assert_array_equal(found.spin[2][:4, :4], np.diag([1, -1, 1, -1]))


def test_curvature_of_pythtb():
    """The flux of small plaquettes is the Berry curvature in the middle: positions of the orbitals are in both."""
    pythtb = package("pythtb")
    theirs = pythtb_model(pythtb, 2, False, seed=8)
    found = sj.from_pythtb(theirs)
    points, k = kappa(found)
    expected = curvature(found, k)[:, 0, 0]
    area = abs(np.linalg.det(found.reciprocal_cell))
    if hasattr(theirs, "berry_curvature"):
        flux = theirs.berry_curvature(points, occ_idxs=[0], plane=(0, 1), cartesian=True)
        np.testing.assert_allclose(expected, np.real(flux), rtol=1e-6, atol=1e-8)
        return
    step = 1e-3
    for point, value in zip(points, expected, strict=True):
        corner = point - step / 2
        mesh = pythtb.wf_array(theirs, [2, 2])
        for i in range(2):
            for j in range(2):
                mesh.solve_on_one_point(corner + step * np.array([i, j]), [i, j])
        flux = mesh.berry_flux([0]) / (step * step * area)
        sign = np.sign(np.linalg.det(found.reciprocal_cell))
        assert sign * flux == pytest.approx(value, rel=1e-4, abs=1e-3)


def test_pythtb_2_wants_its_parameters():
    pythtb = package("pythtb")
    if not hasattr(pythtb, "TBModel"):
        pytest.skip("PythTB 2 has parameters")
    theirs = pythtb_model(pythtb, 2, False)
    theirs.set_hop("t", 0, 1, [2, 2])
    with pytest.raises(InputError, match=r"parameters t have no value; hand over model.with_parameters"):
        sj.from_pythtb(theirs)
    found = sj.from_pythtb(theirs.with_parameters(t=0.3))
    points, _ = kappa(found)
    np.testing.assert_allclose(found.energies(points), theirs.solve_ham(points, t=0.3), atol=1e-12)


def sisl_hamiltonian(sisl, spin, layer):
    rng = np.random.default_rng(4)
    atoms = [sisl.Atom(6, R=[1.9, 1.9]), sisl.Atom(7, R=[1.9])]
    lattice = sisl.Lattice(
        [[2.4, 0.1, 0], [0.2, 2.6, 0], [0, 0, 15.0 if layer else 2.5]], nsc=[3, 3, 1 if layer else 3]
    )
    geometry = sisl.Geometry([[0, 0, 0.2], [1.1, 0.9, 0.7]], atoms=atoms, lattice=lattice)
    h = sisl.Hamiltonian(geometry, spin=spin)
    n, width = geometry.no, h.shape[2]
    for i in range(n):
        for j in range(i, n):
            for r in np.ndindex(3, 3, 1 if layer else 3):
                r = np.array(r) - [1, 1, 0 if layer else 1]
                if i == j and tuple(r) < (0, 0, 0):
                    continue
                t = rng.normal(size=width)
                home = i == j and not r.any()
                h[i, j + n * geometry.sc_index(r)] = t if width > 1 else t[0]
                if home:
                    continue
                h[j, i + n * geometry.sc_index(-r)] = t if width > 1 else t[0]
    return h


@pytest.mark.parametrize("layer", [True, False])
@pytest.mark.parametrize("spin", ["unpolarized", "polarized"])
def test_sisl(spin, layer):
    sisl = package("sisl")
    theirs = sisl_hamiltonian(sisl, spin, layer)
    found = sj.from_sisl(theirs)
    assert found.dimension == (2 if layer else 3)
    assert (found.spin is not None) == (spin == "polarized")
    points, k = kappa(found)
    full = np.pad(points, ((0, 0), (0, 3 - found.dimension)))
    channels = (0, 1) if spin == "polarized" else (0,)
    for i in channels:
        own = {"spin": i} if spin == "polarized" else {}
        atomic, lattice = (
            np.stack([theirs.Hk(x, gauge=gauge, format="array", **own) for x in full]) for gauge in ("atom", "lattice")
        )
        one = slice(i, None, len(channels))
        np.testing.assert_allclose(found.hamiltonian(k)[:, one, one], atomic, atol=1e-12)
        bands = np.linalg.eigvalsh(lattice)
        np.testing.assert_allclose(np.linalg.eigvalsh(found.hamiltonian(k)[:, one, one]), bands, atol=1e-12)


@pytest.mark.parametrize("spin", ["non-colinear", "spin-orbit"])
def test_spinors_of_sisl(spin):
    sisl = package("sisl")
    geometry = sisl.geom.graphene(orthogonal=False)
    theirs = sisl.Hamiltonian(geometry, spin=spin)
    width = theirs.shape[2]
    onsite, hop = np.zeros(width), np.zeros(width)
    onsite[:4], hop[:4] = (0.3, -0.2, 0.1, 0.25), (-2.7, -2.5, 0.0, 0.0)
    onsite[6:] = (0.1, -0.25)[: width - 6] if width > 6 else ()  # the adjoint, which spin-orbit Hamiltonians hold too
    theirs.construct([(0.1, 1.44), (onsite, hop)])
    found = sj.from_sisl(theirs)
    points, k = kappa(found)
    atomic = np.stack([theirs.Hk([*x, 0], gauge="atom", format="array") for x in points])
    np.testing.assert_allclose(found.hamiltonian(k), atomic, atol=1e-12)
    # half the difference of up and down, as it was put in
    own = found.hoppings[np.flatnonzero(~found.vectors.any(axis=1))[0]][:2, :2]
    np.testing.assert_allclose(np.trace(own @ found.spin[2][:2, :2]).real / 2, 0.25, atol=1e-12)
    spins = theirs.eigenstate([*points[0], 0], gauge="atom").spin_moment()
    _, u = np.linalg.eigh(found.hamiltonian(k[:1]))
    ours = np.einsum("kia,dij,kja->kda", u.conj(), found.spin, u)[0].real
    np.testing.assert_allclose(np.reshape(spins, (3, -1)), ours, atol=1e-8)


def test_what_sisl_holds_that_is_no_model():
    sisl = package("sisl")
    geometry = sisl.geom.graphene(orthogonal=False)
    overlapping = sisl.Hamiltonian(geometry, orthogonal=False)
    overlapping.construct([(0.1, 1.44), ([0, 1.0], [-2.7, 0.1])])
    with pytest.raises(InputError, match="orbitals overlap"):
        sj.from_sisl(overlapping)
    with pytest.raises(InputError, match="Nambu"):
        sj.from_sisl(sisl.Hamiltonian(geometry, spin="nambu"))
    chain = sisl.Hamiltonian(sisl.Geometry([0, 0, 0], lattice=sisl.Lattice([1, 20, 20], nsc=[3, 1, 1])))
    chain[0, 1] = chain[0, 2] = 0.3  # to both neighbours
    with pytest.raises(InputError, match="repeats along 1 directions"):
        sj.from_sisl(chain)


def test_curvature_of_sisl():
    """With the positions in the phases of both; without them sisl's is another."""
    sisl = package("sisl")
    theirs = sisl_hamiltonian(sisl, "unpolarized", True)
    found = sj.from_sisl(theirs)
    points, k = kappa(found)

    def of_sisl(gauge):
        states = [theirs.eigenstate([*x, 0], gauge=gauge) for x in points]
        return np.stack([state.berry_curvature(sum=False)[0, 1].real for state in states])

    np.testing.assert_allclose(curvature(found, k)[:, 0], of_sisl("atom"), rtol=1e-6, atol=1e-8)
    assert np.abs(of_sisl("lattice") - of_sisl("atom")).max() > 0.1


def test_files_that_sisl_reads(tmp_path):
    sisl = package("sisl")
    theirs = sisl_hamiltonian(sisl, "unpolarized", True)
    theirs.write(str(tmp_path / "x.TSHS"))
    points, _ = kappa(sj.from_sisl(theirs))
    np.testing.assert_allclose(
        sj.read_sisl(tmp_path / "x.TSHS").energies(points), sj.from_sisl(theirs).energies(points), atol=1e-10
    )
    (tmp_path / "x.dat").write_text("nothing")
    with pytest.raises(InputError, match="sisl reads no Hamiltonian there"):
        sj.read_sisl(tmp_path / "x.dat")


@pytest.fixture(scope="module")
def wannierberri():
    pytest.importorskip("wannierberri")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wannierberri
    return wannierberri


def of_wannierberri(wannierberri, system, points):
    """Energies (nk, N) and Berry curvature (nk, 3, N) of a system."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each = [wannierberri.evaluate_k(system, k=tuple(x), quantities=["energy", "berry_curvature"]) for x in points]
    return np.stack([x["energy"] for x in each]), np.stack([x["berry_curvature"].T for x in each])


def test_wannierberri(wannierberri, tmp_path):
    """The same `_tb.dat` read by both, with its position matrix."""
    ours = random_wannier(3, 4, seed=6)
    write_tb(tmp_path / "x_tb.dat", ours, [1] * 27)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        system = wannierberri.System_R.from_tb_dat(str(tmp_path / "x_tb.dat"), berry=True)
    found = sj.from_wannierberri(system)
    points, k = kappa(found)
    energies, expected = of_wannierberri(wannierberri, system, points)
    np.testing.assert_allclose(found.energies(points), energies, atol=1e-10)
    np.testing.assert_allclose(curvature(found, k), expected, rtol=1e-7, atol=1e-7)
    read = sj.read_wannier90(tmp_path / "x_tb.dat")
    np.testing.assert_allclose(found.site_positions, read.site_positions, atol=1e-10)
    np.testing.assert_allclose(curvature(read, k), curvature(found, k), rtol=1e-7, atol=1e-7)


def test_wannierberri_without_a_position_matrix(wannierberri):
    """A layer of another program, through WannierBerri; spins next to each other."""
    tbmodels = package("tbmodels")
    ours = random_wannier(2, 4, seed=2, position=False)
    sites = np.repeat(ours.site_positions[:2], 2, axis=0)  # up and down on one site
    hops = {tuple(r): h for r, h in zip(ours.vectors.tolist(), ours.hoppings, strict=True)}
    theirs = tbmodels.Model(hop=hops, pos=sites @ np.linalg.inv(ours.cell), uc=ours.cell)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        system = wannierberri.System_R.from_tbmodels(theirs)
        system.set_spin_pairs([(0, 1), (2, 3)])
    found = sj.from_wannierberri(system)
    assert found.dimension == 2 and found.residual_positions is None
    np.testing.assert_array_equal(found.spin[0], np.kron(np.eye(2), sj.PAULI[0]))
    points, k = kappa(found)
    energies, expected = of_wannierberri(wannierberri, system, np.pad(points, ((0, 0), (0, 1))))
    np.testing.assert_allclose(found.energies(points), energies, atol=1e-10)
    np.testing.assert_allclose(curvature(found, k)[:, 0], expected[:, 2], rtol=1e-7, atol=1e-7)
    values = np.zeros((len(found.vectors), 4, 4, 3), dtype=complex)
    values[system.rvec.iR0] = np.array(found.spin).transpose(1, 2, 0)
    values[system.rvec.iR([1, 0, 0]), 0, 0, 2] = values[system.rvec.iR([-1, 0, 0]), 0, 0, 2] = 0.1
    system.set_R_mat("SS", values, reset=True)
    varying = sj.from_wannierberri(system)
    assert varying.spin is None
    extra = varying.spin_operator(k) - found.spin_operator(k)
    np.testing.assert_allclose(extra[:, 2, 0, 0], 0.2 * np.cos(k @ found.cell[0]), atol=1e-12)
    assert np.abs(extra).sum() == pytest.approx(np.abs(extra[:, 2, 0, 0]).sum())
    system.set_wannier_centers(wannier_centers_cart=np.pad(ours.site_positions, ((0, 0), (0, 1))))
    system.set_spin_pairs([(0, 1), (2, 3)])
    apart = sj.from_wannierberri(system)  # between two sites the phase of an element is that of H
    site = phases(apart, k)
    assert apart.spin is None
    np.testing.assert_allclose(apart.spin_operator(k)[:, 0, 0, 1], site[:, 0].conj() * site[:, 1], atol=1e-12)


def test_kwant():
    kwant = package("kwant")
    lattice = kwant.lattice.general([(2.4, 0.1), (1.2, 2.2)], [(0.1, 0.0), (1.3, 0.8)], norbs=[1, 2])
    a, b = lattice.sublattices
    builder = kwant.Builder(kwant.TranslationalSymmetry(lattice.vec((1, 0)), lattice.vec((1, 1))))
    builder[b(0, 0)] = lambda site, field: field * np.array([[1, 0.2j], [-0.2j, -1]])
    builder[a(3, -2)] = 0.3
    builder[a(0, 0), b(0, 0)] = np.array([[1, 2j]])
    builder[b(2, 1), a(0, 0)] = lambda one, other, t: t * np.array([[0.5], [0.1j]])
    builder[kwant.builder.HoppingKind((1, 0), a, a)] = 0.5j
    builder[kwant.builder.HoppingKind((0, 1), b, b)] = lambda one, other, t: t * np.diag([1, 0.4])
    with pytest.raises(InputError, match=r"needs (field|t); give parameters"):
        sj.from_kwant(builder)
    parameters = {"field": 0.7, "t": 1.1}
    found = sj.from_kwant(builder, parameters)
    builder[b(1, 3), b(0, 0)] = 0.3  # a number between two orbitals each
    with pytest.raises(InputError, match=r"a value of shape \(1, 1\); expected \(2, 2\)"):
        sj.from_kwant(builder, parameters)
    del builder[b(1, 3), b(0, 0)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = kwant.wraparound.wraparound(builder).finalized()
    points, _ = kappa(found)
    for x, energies in zip(points, found.energies(points), strict=True):
        momenta = dict(zip(("k_x", "k_y"), 2 * np.pi * x, strict=True))
        h = whole.hamiltonian_submatrix(params={**parameters, **momenta})
        np.testing.assert_allclose(np.linalg.eigvalsh(h), energies, atol=1e-12)
    # which orbital is where: the one of a, then two of b
    own = np.array([site.pos for site in sorted(builder.sites()) for _ in range(site.family.norbs)])
    np.testing.assert_allclose(found.site_positions, own, atol=1e-12)
    with pytest.raises(InputError, match="repeats along no direction"):
        sj.from_kwant(kwant.Builder())
    with pytest.raises(InputError, match="repeats along 1 directions"):
        sj.from_kwant(kwant_chain(kwant, lattice))


def kwant_chain(kwant, lattice):
    chain = kwant.Builder(kwant.TranslationalSymmetry(lattice.vec((1, 0))))
    chain[lattice.sublattices[0](0, 0)] = 0.1
    return chain


def test_values_of_kwant_that_cannot_be():
    kwant = package("kwant")
    lattice = kwant.lattice.square(norbs=1)
    builder = kwant.Builder(kwant.TranslationalSymmetry((1, 0), (0, 1)))
    with pytest.raises(InputError, match="has no site"):
        sj.from_kwant(builder)
    for value, words in ((1j, "is not Hermitian"), (lambda site: 1 / 0, "fails: division by zero")):
        builder[lattice(0, 0)] = value
        with pytest.raises(InputError, match=words):
            sj.from_kwant(builder)
    builder[lattice(0, 0)] = lambda site, **given: given["mass"]
    assert sj.from_kwant(builder, {"mass": 0.4}).energies([[0, 0]]) == pytest.approx(0.4)
    builder[lattice(0, 0)] = lambda site, mass=0.3: mass
    assert sj.from_kwant(builder).energies([[0, 0]]) == pytest.approx(0.3)


def test_spin_of_kwant():
    """Up and down on each site, next to each other or all up first."""
    kwant = package("kwant")
    lattice = kwant.lattice.square(3.0, norbs=4)
    builder = kwant.Builder(kwant.TranslationalSymmetry((3.0, 0), (0, 3.0)))
    builder[lattice(0, 0)] = np.diag([1.0, 2.0, 3.0, 4.0])
    builder[kwant.builder.HoppingKind((1, 0), lattice)] = np.eye(4)
    np.testing.assert_array_equal(sj.from_kwant(builder, spin_ordering="block").spin[2], np.diag([1, 1, -1, -1]))
    np.testing.assert_array_equal(sj.from_kwant(builder, spin_ordering="interleaved").spin[2], np.diag([1, -1] * 2))
    assert sj.from_kwant(builder).spin is None


@pytest.mark.parametrize("convert", ["from_kwant", "from_pythtb", "from_sisl", "from_tbmodels", "from_wannierberri"])
def test_other_objects_are_refused(convert):
    for other in (None, 3, "Fe_tb.dat", object()):
        with pytest.raises(InputError, match=r"is no .* it has no"):
            getattr(sj, convert)(other)


def test_units_are_positive_numbers():
    for unit in (0, -1, float("nan"), "eV", True):
        with pytest.raises(InputError, match=r"energy_unit = .*give a positive number"):
            sj.from_pythtb(None, energy_unit=unit)


TOML = """[electrons]
model = "tbmodels"
file = "x.hdf5"
chemical_potential = 0.1
[[scattering]]
kind = "impurity"
correlation = "zero_range"
density = 1e12
strength = 1.0
[temperature]
values = [100]
"""


def test_an_input_file_names_a_model_of_tbmodels(tmp_path):
    tbmodels = package("tbmodels")
    ours = random_wannier(2, 2, seed=2, position=False)
    hops = {tuple(r): h for r, h in zip(ours.vectors.tolist(), ours.hoppings, strict=True)}
    theirs = tbmodels.Model(hop=hops, pos=ours.site_positions @ np.linalg.inv(ours.cell), uc=ours.cell)
    theirs.to_hdf5_file(str(tmp_path / "x.hdf5"))
    (tmp_path / "x.toml").write_text(TOML)
    found = prepare(tmp_path / "x.toml").model
    points, _ = kappa(ours)
    np.testing.assert_allclose(found.energies(points), ours.energies(points), atol=1e-12)
    (tmp_path / "x.hdf5").write_text("nothing")
    with pytest.raises(InputError, match=r"x.hdf5: holds no model of TBmodels"):
        prepare(tmp_path / "x.toml")


@pytest.mark.parametrize(("name", "words"), [("tbmodels", "a model of TBmodels"), ("sisl", "what sisl reads")])
def test_a_missing_package_is_named(tmp_path, monkeypatch, name, words):
    for module in (name, f"{name}.io"):
        monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "x.hdf5").write_text("nothing")
    (tmp_path / "x.toml").write_text(TOML.replace('"tbmodels"', f'"{name}"'))
    with pytest.raises(InputError, match=rf"x.hdf5: {words} needs {name}: pip install \"sidejump\[interop\]\""):
        prepare(tmp_path / "x.toml")
