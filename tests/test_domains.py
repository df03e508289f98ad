"""What is impossible in first-principles data stops, at one place for all readers; what is implausible warns."""

import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest

from helpers_abinitio import Toy, examined, polar
from sidejump.app.run import prepare
from sidejump.bands.lattice import LatticeModel
from sidejump.errors import InputError
from sidejump.formats.compact import read_compact, write_compact
from sidejump.formats.epw import read_epw
from sidejump.formats.epw_write import write_epw
from sidejump.formats.perturbo import read_perturbo
from sidejump.formats.perturbo_write import write_perturbo
from sidejump.wannier.coupling import Coupling

ALAT = 4.5


@pytest.fixture(scope="module")
def data():
    """Two polar atoms, three orbitals."""
    toy = Toy()
    short = toy.from_meshes((2, 2, 2), (2, 2, 2))
    charged = polar(toy, alpha=(2 * np.pi / ALAT) ** 2)
    phonons = replace(
        short.phonons, born_charges=charged.born_charges, dielectric=charged.dielectric, alpha=charged.alpha
    )
    return examined(replace(short, phonons=phonons, alat=ALAT, extra={"n_electrons": 4.0}))


FILES = {
    "epw": (write_epw, read_epw, "epw"),
    "perturbo": (write_perturbo, read_perturbo, "x_epr.h5"),
    "compact": (write_compact, read_compact, "x.h5"),
}


def written(data, folder, form):
    """Files of a form."""
    write, _, name = FILES[form]
    return write(data, folder / name)


def write_read(data, folder, form, **keys):
    """Through the files of a form."""
    return FILES[form][1](written(data, folder, form), **keys)


def damaged(data, folder, form, name, change):
    """Files with one number changed, as a function that reads them."""
    written(data, folder, form)
    if form == "epw":
        path = folder / "epw" / ("crystal.fmt" if name == "masses" else "epwdata.fmt")
        lines = path.read_text().splitlines()
        row, first = {"masses": (8, 0), "dielectric": (2, 18), "fermi_energy": (0, 0)}[name]
        words = lines[row].split()
        count = {"masses": 2, "dielectric": 9, "fermi_energy": 1}[name]
        numbers = change(np.array(words[first : first + count], dtype=float))
        words[first : first + count] = [f"{x:.16e}" for x in numbers]
        lines[row] = " ".join(words)
        path.write_text("\n".join(lines) + "\n")
        return lambda **keys: read_epw(folder / "epw", **keys)
    if form == "perturbo":
        path, place = folder / "x_epr.h5", {"masses": "basic_data/mass", "dielectric": "basic_data/epsil"}[name]
        read = read_perturbo
    else:
        path, place = folder / "x.h5", {"masses": "atoms/masses", "dielectric": "phonons/dielectric"}.get(name)
        read = read_compact
    with h5py.File(path, "a") as stream:
        if place is None:
            stream.attrs[name] = float(change(np.array([stream.attrs[name]]))[0])
        else:
            values = change(stream[place][()].astype(float))
            del stream[place]
            stream[place] = values
    return lambda **keys: read(path, **keys)


FORMS = ("epw", "perturbo", "compact")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda e: -e, "dielectric tensor that is not positive"),
        (lambda e: 0 * e, "dielectric tensor that is not positive"),
        (lambda e: (e.reshape(3, 3) * np.array([1, 1, -1])).reshape(e.shape), "dielectric tensor that is not positive"),
        (lambda e: e * np.nan, "not finite"),
    ],
)
def test_dielectric_tensors(data, form, change, words, tmp_path):
    with pytest.raises(InputError, match=words):
        damaged(data, tmp_path, form, "dielectric", change)()
    # without charges there is nothing to screen
    short = replace(data, phonons=replace(data.phonons, born_charges=None, dielectric=None))
    assert not write_read(short, tmp_path, form).phonons.polar


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("factor", [1e-3, 1e3, 1 / 911.444, 911.444])
def test_masses_of_no_atom(data, form, factor, tmp_path):
    """In other units, as a rule: refused, or said where the file is to be trusted."""
    read = damaged(data, tmp_path, form, "masses", lambda m: m * factor)
    with pytest.raises(InputError, match=r"has a mass of .* u, as no atom has .*trust_file = true"):
        read()
    trusted = read(trust_file=True)
    assert any("as no atom has" in w for w in trusted.warnings)
    np.testing.assert_allclose(trusted.phonons.masses, factor * data.phonons.masses)


@pytest.mark.parametrize("form", FORMS)
def test_masses_that_are_none(data, form, tmp_path):
    for change in (lambda m: -m, lambda m: 0 * m, lambda m: m * np.inf):
        with pytest.raises(InputError, match=r"mass is not positive|finite"):
            damaged(data, tmp_path, form, "masses", change)(trust_file=True)


@pytest.mark.parametrize("form", ["epw", "compact"])
def test_fermi_energies(data, form, tmp_path):
    for value in (np.nan, np.inf):
        with pytest.raises(InputError, match="finite"):
            damaged(data, tmp_path, form, "fermi_energy", lambda e, x=value: e * x)()


def test_data_made_in_python(data):
    """The container has the same domains, whoever fills it."""
    c = data.file_coupling
    for change, words in (
        ({"fermi_energy": np.nan}, "fermi_energy holds numbers that are not finite"),
        ({"coupling_alpha": -1.0}, "Ewald parameter of the coupling is -1"),
        ({"phonons": replace(data.phonons, alpha=0.0)}, "Ewald parameter of the phonons is 0"),
        ({"phonons": replace(data.phonons, dielectric=-data.phonons.dielectric)}, "dielectric tensor that is not"),
        ({"file_coupling": Coupling(c.re_vectors, c.rp_vectors, c.values.real)}, "float64, expected complex numbers"),
        ({"file_coupling": Coupling(c.re_vectors, c.rp_vectors, c.values * np.nan)}, "coupling holds numbers that"),
        ({"atoms": replace(data.atoms, positions=data.atoms.positions + 0j)}, "atoms holds complex128, expected real"),
        ({"q_mesh": (3, 3, 3)}, "is no multiple of q mesh"),
        ({"q_mesh": (0, 1, 1)}, "use 1 or more"),
        ({"wannier_centres": data.wannier_centres[:2]}, r"wannier_centres has shape \(2, 3\), expected \(3, 3\)"),
    ):
        with pytest.raises(InputError, match=words):
            replace(data, **change)


@pytest.mark.parametrize("name", ["coupling/values", "electrons/hoppings", "electrons/positions"])
def test_complex_data_of_a_real_type(data, name, tmp_path):
    path = write_compact(data, tmp_path / "x.h5")
    with h5py.File(path, "a") as stream:
        values = stream[name][()].real
        del stream[name]
        stream[name] = values
    with pytest.raises(InputError, match=f"x.h5: .*{name} holds float64, expected complex numbers"):
        read_compact(path)


def test_perturbo_says_its_lattice_twice(data, tmp_path):
    def transposed(basic):
        basic["at"][()] = basic["at"][()].T

    def longer(basic):
        basic["alat"][()] = 1.01 * basic["alat"][()]

    def elsewhere(basic):
        basic["wannier_center_cryst"][()] = basic["wannier_center_cryst"][()] + 0.1

    for change, words in (
        (transposed, "basic_data/at and bg are no lattice and its reciprocal one"),
        (longer, "volume of basic_data/at and alat is another"),
        (elsewhere, "wannier_center and wannier_center_cryst differ by"),
    ):
        path = write_perturbo(data, tmp_path / "x_epr.h5")
        with h5py.File(path, "a") as stream:
            change(stream["basic_data"])
        with pytest.raises(InputError, match=f"x_epr.h5: .*{words}"):
            read_perturbo(path)


def with_positions(data, change):
    model = data.electrons
    positions = np.array(model._positions)
    change(positions, model.vectors)
    return replace(
        data,
        electrons=LatticeModel(model.cell, model.vectors, model.hoppings, positions, model.site_positions),
        checks={},
        warnings=[],
    )


@pytest.mark.parametrize("form", FORMS)
def test_hamiltonians_are_judged(data, form, tmp_path):
    """One diagonal element of 0.5 i eV at home, which no Hermitian H(R) has."""
    write_read(data, tmp_path, form)
    if form == "epw":
        path = tmp_path / "epw" / "epwdata.fmt"
        lines = path.read_text().splitlines()
        home = np.flatnonzero(~data.electrons.vectors.any(axis=1))[0]
        real = lines[3 + home].strip(" ()").split(",")[0]
        lines[3 + home] = f" ({real},0.04)"
        path.write_text("\n".join(lines) + "\n")
        read = lambda **keys: read_epw(tmp_path / "epw", **keys)  # noqa: E731
    else:
        path = tmp_path / ("x.h5" if form == "compact" else "x_epr.h5")
        with h5py.File(path, "a") as stream:
            place = stream["electrons/hoppings" if form == "compact" else "electron_wannier/hopping_i1"]
            values = place[()]
            values[...] = values + (0.5j * np.eye(3) if form == "compact" else 0.04)
            place[...] = values
        read = lambda **keys: (read_compact if form == "compact" else read_perturbo)(path, **keys)  # noqa: E731
    with pytest.raises(InputError, match=r"(epwdata.fmt|x.h5|x_epr.h5): H\(R\) differs .*trust_file = true"):
        read()
    trusted = read(trust_file=True)
    assert any("the Hermitian part is used" in w for w in trusted.warnings)
    assert trusted.electrons.hermiticity_violation < 1e-12


@pytest.mark.parametrize("form", ["epw", "compact"])
@pytest.mark.parametrize("where", ["home", "beyond"])
def test_position_matrices_are_judged(data, form, where, tmp_path):
    """One element of 30 angstrom in r(R), none in r(-R)^+: more than any mesh explains."""

    def change(positions, vectors):
        home = ~vectors.any(axis=1)
        positions[np.flatnonzero(home if where == "home" else ~home)[0], 0, 0, 2] += 30.0

    broken = with_positions(data, change)
    with pytest.raises(InputError, match=r"position matrix r\(.*differs from .*(15|30) angstrom.*trust_file = true"):
        write_read(broken, tmp_path, form)
    trusted = write_read(broken, tmp_path, form, trust_file=True)
    assert any("0 angstrom" in w or "15 angstrom" in w for w in trusted.warnings)
    write_read(data, tmp_path, form)


def above_the_window(strength):
    """Three functions near the Fermi energy, one 8 eV above that a rigid shift couples to itself, as no state is."""
    toy = Toy(owner=[0, 0, 1, 1])
    toy.strength[3, :3] = toy.strength[:3, 3] = 0
    toy.onsite[3, 3] += 8.0
    data = toy.from_meshes((4, 4, 4), (2, 2, 2))
    c = data.file_coupling
    values = c.values.copy()
    home = [np.flatnonzero(~v.any(axis=1))[0] for v in (c.rp_vectors, c.re_vectors)]
    values[home[0], 0, home[1], 3, 3] += strength
    return replace(data, file_coupling=replace(c, values=values))


def test_rigid_shift_of_states_that_can_scatter():
    """Above the frozen window Wannier functions are no eigenstates: what they do there concerns nobody."""
    high = above_the_window(2.9)
    energies = high.energies(np.random.default_rng(0).random((200, 3)))
    assert energies[:, 3].min() > high.fermi_energy + 3
    found = examined(replace(high, checks={}, warnings=[]))
    assert found.checks["rigid_shift_coupling_eV_per_angstrom"] < 1e-9
    assert not any("rigid shift" in w for w in found.warnings)
    level = float(np.median(energies[:, 3]))
    there = examined(replace(high, fermi_energy=level, checks={}, warnings=[]))
    assert there.checks["rigid_shift_coupling_eV_per_angstrom"] == pytest.approx(2.9, rel=1e-6)
    assert any("rigid shift of the crystal couples" in w for w in there.warnings)
    unknown = examined(replace(high, fermi_energy=None, checks={}, warnings=[]))
    assert unknown.checks["rigid_shift_coupling_eV_per_angstrom"] == pytest.approx(2.9, rel=1e-6)


def test_the_level_of_a_run_is_what_counts(tmp_path):
    """Files that know no Fermi energy are judged again when the input gives one."""
    path = write_perturbo(examined(replace(above_the_window(2.9), checks={}, warnings=[])), tmp_path / "x_epr.h5")
    assert any("rigid shift" in w for w in read_perturbo(path).warnings)
    section = {"model": "perturbo", "file": str(path), "chemical_potential": 0.3}
    job = prepare({"electrons": section, "scattering": [{"kind": "electron_phonon"}], "temperature": {"values": [300]}})
    assert not any("rigid shift" in w for w in job.warnings)
    assert job.scatterers[0].data.checks["rigid_shift_coupling_eV_per_angstrom"] < 1e-9


def test_what_stops_by_its_figure_can_be_had(data, tmp_path):
    """Couplings and force constants that are not Hermitian on the mesh, centres that are elsewhere."""
    c = data.file_coupling
    other = replace(data, file_coupling=replace(c, values=c.values * np.exp(0.2j)), checks={}, warnings=[])
    with pytest.raises(InputError, match=r"differ by .* on the coarse mesh; .*trust_file = true"):
        write_read(other, tmp_path, "compact")
    assert any("on the coarse mesh" in w for w in write_read(other, tmp_path, "compact", trust_file=True).warnings)
    folder = write_epw(data, tmp_path / "epw")
    shutil.copytree(folder, tmp_path / "moved")
    lines = (folder / "crystal.fmt").read_text().splitlines()
    lines[-1] = " ".join(f"{float(x) + 0.4:.12f}" for x in lines[-1].split())
    (tmp_path / "moved" / "crystal.fmt").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=r"away from its centre .*trust_file = true"):
        read_epw(tmp_path / "moved")
    assert any("away from its centre" in w for w in read_epw(tmp_path / "moved", trust_file=True).warnings)
