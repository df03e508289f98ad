"""Several chemical potentials or carrier densities in one run."""

import json
from copy import copy

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

import sidejump as sj
from sidejump.app import build, merge, results, run
from sidejump.app.cases import apart
from sidejump.app.cli import main
from sidejump.intrinsic.density import solve_chemical_potential
from sidejump.reference import dirac
from sidejump.units import KB

MASS, VELOCITY = 0.1, 3.0
MODEL = sj.MassiveDirac(mass=MASS, velocity=VELOCITY)
IMPURITIES = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
LEVELS = [0.2, 0.12, 0.3]
INPUT = """
    electrons = {{model = "massive_dirac", mass = 0.1, velocity = 3.0, {level}}}
    scattering = [{{kind = "impurity", correlation = "zero_range", density = 1e11, strength = 1.0}}]
    temperature = {{values = [40, 20]}}
    solver = {{energy_nodes = 1, tolerance = {tolerance}, expert = {{accuracy = 0.3, geometry = "shared"}}}}
"""


def conductivity(levels, temperatures=(2.0,), **options):
    settings = {"tolerance": 1e-4, "energy_nodes": 1, "intrinsic_tolerance": 1e-5} | options
    return sj.anomalous_hall(MODEL, IMPURITIES, chemical_potential=levels, temperatures=temperatures, **settings)


@pytest.fixture(scope="module")
def scan():
    return conductivity(LEVELS)


def test_closed_forms_against_the_chemical_potential(scan):
    """Massive Dirac, zero-range impurities, cold: intrinsic part and side jump of Sinitsyn et al."""
    assert scan.sigma_side_jump.dims == ("chemical_potential", "temperature", "a", "b")
    assert scan.chemical_potential.values.tolist() == LEVELS and scan.chemical_potential.attrs["units"] == "eV"
    for mu in LEVELS:
        cos2 = (MASS / mu) ** 2
        here = scan.sel(chemical_potential=mu, temperature=2.0, a="y", b="x")
        assert float(here.sigma_intrinsic) == pytest.approx(0.5 * MASS / mu, rel=1e-3)
        side = 2 * (MASS / mu) * (1 - cos2) / (1 + 3 * cos2)
        assert float(here.sigma_side_jump) == pytest.approx(side, rel=2e-3)
        # density 1e-5 / angstrom^2 times strength 100 eV angstrom^2, squared: 0.1 eV^2 angstrom^2
        exact = dirac.zero_range_conductivity(MASS / mu, fermi_energy=mu, velocity=VELOCITY, strength=0.1)
        found = scan.sigma_boltzmann.sel(chemical_potential=mu, temperature=2.0, a="x", b="x")
        assert float(found) == pytest.approx(2 * np.pi * exact, rel=1e-3)


def test_a_list_equals_single_runs(scan):
    for mu in LEVELS:
        single = conductivity(mu)
        assert "chemical_potential" not in single.dims
        for name in single.data_vars:
            if single[name].dtype.kind == "f" and name != "term_seconds":
                found = scan[name].sel(chemical_potential=mu)
                np.testing.assert_allclose(found, single[name], rtol=1e-12, atol=1e-300, err_msg=name)


def test_scan_in_a_gap_and_beside_it():
    """Terms, replicas and warnings of cases without carriers are blank; the rest is that of a run of its own."""
    with pytest.warns(sj.SidejumpWarning, match=r"chemical potential 0 eV: .* in a gap"):
        found = conductivity([0.0, 0.2], tolerance=0.02)
    assert not found.sigma_boltzmann.sel(chemical_potential=0.0).values.any()
    assert (found.term_level.sel(chemical_potential=0.0) == -1).all()
    single = conductivity(0.2, tolerance=0.02)
    here = found.sel(chemical_potential=0.2)
    np.testing.assert_allclose(here.term_value.sel(term=single.term.values), single.term_value, rtol=1e-12)
    np.testing.assert_allclose(here.sigma_boltzmann, single.sigma_boltzmann, rtol=1e-12)


def dirac_density(mu, kt):
    """Electrons less holes, cm^-2: ``int dE E/(2 pi v^2) [f(E - mu) - f(E + mu)]``."""

    def one_sign(level):
        top = max(level, MASS)
        options = {"epsrel": 1e-11, "epsabs": 0, "limit": 400, "points": [top]}
        return quad(lambda e: e / (2 * np.pi * VELOCITY**2) * expit((level - e) / kt), MASS, top + 40 * kt, **options)[
            0
        ]

    return 1e16 * (one_sign(mu) - one_sign(-mu))


@pytest.mark.parametrize("temperature", [10.0, 77.0, 300.0])
@pytest.mark.parametrize("density", [1e12, -3e11, 1e9])
def test_solved_chemical_potential_of_a_dirac_gap(density, temperature):
    """The density of states is known in closed form; electrons above the gap less holes below it."""
    mu, error = solve_chemical_potential(MODEL, density, temperature, neutral=0.03)
    assert error < 1e-6
    assert dirac_density(mu, KB * temperature) == pytest.approx(density, rel=1e-6)


def test_no_carriers_is_the_middle_of_a_symmetric_gap():
    assert solve_chemical_potential(MODEL, 0.0, 300.0, neutral=0.05)[0] == pytest.approx(0.0, abs=1e-9)


def test_solved_chemical_potential_of_a_crystal():
    """The uniform mesh converges exponentially for kT above its steps: it gives the density back."""
    builder = sj.TightBinding(4.0 * np.eye(2), [((0.0, 0.0), 1)], spinful=True)
    sx, sy, sz = sj.PAULI
    builder.onsite(0, -1.0 * sz)
    builder.hop(0, 0, (1, 0), 0.5 * sz + 0.5j * sx)
    crystal = builder.hop(0, 0, (0, 1), 0.5 * sz + 0.5j * sy).build()
    n = 600
    grid = np.stack(np.meshgrid(*[np.arange(n) / n] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    energies = np.linalg.eigvalsh(crystal.hamiltonian(grid @ crystal.reciprocal_cell))
    for density, temperature in ((5e11, 300.0), (-2e13, 300.0), (1e9, 600.0)):
        mu, error = solve_chemical_potential(crystal, density, temperature, neutral=0.1)
        f = expit((mu - energies) / (KB * temperature))
        assert error < 1e-6
        assert (f.sum() / n**2 - 1) / 16e-16 == pytest.approx(density, rel=1e-6)
    with pytest.raises(sj.InputError, match="carrier_density = 1e\\+15 cm\\^-2: the bands do not hold so many"):
        solve_chemical_potential(crystal, 1e15, 300.0, neutral=0.1)


def test_density_counts_spins():
    both = copy(MODEL)
    both.spin_degeneracy = 2
    mu = solve_chemical_potential(both, 2e12, 200.0, neutral=0.0)[0]
    assert mu == pytest.approx(solve_chemical_potential(MODEL, 1e12, 200.0, neutral=0.0)[0], abs=1e-9)


def test_densities_as_a_dimension():
    """Every temperature has the chemical potential of its density, and the result of a run at that one."""
    found = conductivity(0.0, [20, 40], carrier_density=[1e12, -1e12], tolerance=0.02)
    assert found.sigma_side_jump.dims == ("doping", "temperature", "a", "b") and found.doping.attrs["units"] == "cm^-2"
    assert found.chemical_potential.dims == ("doping", "temperature")
    for i, density in enumerate((1e12, -1e12)):
        for j, t in enumerate((20, 40)):
            here = found.isel(doping=i, temperature=j)
            assert dirac_density(float(here.chemical_potential), KB * t) == pytest.approx(density, rel=1e-6)
    single = conductivity(float(found.chemical_potential[1, 1]), [40], tolerance=0.02)
    np.testing.assert_allclose(found.sigma_side_jump[1, 1], single.sigma_side_jump[0], rtol=1e-9, atol=1e-12)
    # electrons and holes of a symmetric gap conduct alike
    np.testing.assert_allclose(found.sigma_boltzmann[0], found.sigma_boltzmann[1], rtol=0.02, atol=1e-9)
    one = conductivity(0.0, [20, 40], carrier_density=1e12, tolerance=0.02)
    assert one.sigma_side_jump.dims == ("temperature", "a", "b") and one.chemical_potential.dims == ("temperature",)
    np.testing.assert_allclose(one.sigma_side_jump, found.sigma_side_jump[0], rtol=1e-9, atol=1e-12)


def test_a_scan_from_the_command_line(tmp_path, monkeypatch, capsys):
    """Killed in the second case, it goes on with its replicas; refined, it starts from them; written, it is read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.toml").write_text(
        INPUT.format(level="tilt = [1.0, 0.5], chemical_potential = [0.2, 0.15]", tolerance=0.02)
    )
    whole = run.run("in.toml")
    computed = []

    class Killed(Exception):
        pass

    job = run.prepare("in.toml")
    from sidejump.accuracy.store import ReplicaStore

    store = ReplicaStore(tmp_path / "in.nc.partial", job.identity)

    def keep(case, replica):
        store.save(case, replica)
        computed.append(case)
        if case == 1:
            raise Killed

    with pytest.raises(Killed):
        job.run(None, None, keep)
    assert computed[-1] == 1 and computed[0] == 0
    assert main(["run", "in.toml", "--quiet"]) == 0
    assert f"resuming: {len(computed)} finished replicas" in capsys.readouterr().err
    assert not (tmp_path / "in.nc.partial").exists() and (tmp_path / "in.png").exists()
    stored = results.read("in.nc")
    np.testing.assert_allclose(stored.sigma_side_jump, whole.sigma_side_jump, rtol=1e-12)
    assert sorted(stored.replicas.values) != [] and {json.loads(r)["case"] for r in stored.replicas.values} == {0, 1}

    assert main(["run", "in.toml", "--tolerance", "1e-13", "--time", "0.2"]) == 0
    out = capsys.readouterr().out
    assert all(f"chemical potential {mu:g} eV: conductivity" in " ".join(out.split()) for mu in (0.2, 0.15))
    finer = results.read("in.nc")
    assert len(finer.replicas) > len(stored.replicas)
    kept = {(json.loads(r)["case"], json.dumps(json.loads(r)["task"])) for r in finer.replicas.values}
    assert {(json.loads(r)["case"], json.dumps(json.loads(r)["task"])) for r in stored.replicas.values} <= kept


def test_merged_scans(tmp_path, monkeypatch, capsys):
    """Replicas of a scan join case by case."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.toml").write_text(INPUT.format(level="chemical_potential = [0.2, 0.15]", tolerance=0.02))
    for name, numbers in (("a", "0:2"), ("b", "2:4")):
        assert main(["run", "in.toml", "--quiet", "-o", f"{name}.nc", "--replicas", numbers]) == 0
    assert main(["merge", "a.nc", "b.nc", "-o", "c.nc"]) == 0
    a, b, c = (results.read(f"{name}.nc") for name in "abc")
    assert set(a.replicas.values) | set(b.replicas.values) == set(c.replicas.values)
    assert c.sigma_side_jump.dims == a.sigma_side_jump.dims
    low = np.minimum(a.sigma_boltzmann, b.sigma_boltzmann) * (1 - 1e-9)
    high = np.maximum(a.sigma_boltzmann, b.sigma_boltzmann) * (1 + 1e-9)
    for i in range(2):
        np.testing.assert_array_less(low[i, :, 0, 0], c.sigma_boltzmann[i, :, 0, 0])
        np.testing.assert_array_less(c.sigma_boltzmann[i, :, 0, 0], high[i, :, 0, 0])
    alone = merge.merged(["a.nc"])
    for name in ("sigma_boltzmann", "sigma_side_jump", "sigma_side_jump_error", "resistivity", "resistivity_error"):
        np.testing.assert_allclose(alone[name], a[name], rtol=1e-10, atol=1e-14, err_msg=name)


def test_apart_and_together_again():
    found = conductivity(0.0, [20, 40], carrier_density=[1e12], tolerance=0.05)
    parts, layout, labels = apart(found)
    assert len(parts) == 2 and layout.name == "doping" and labels[1] == "carrier density 1e+12 cm^-2, 40 K"
    assert parts[1].sizes["temperature"] == 1
    assert parts[1].attrs["chemical_potential_eV"] == pytest.approx(float(found.chemical_potential[0, 1]))


def test_time_covers_all_cases():
    """A budget that is over at once leaves the first replicas of every case."""
    with pytest.warns(sj.SidejumpWarning, match="the time was up"):
        single = conductivity([0.2, 0.3], [20], tolerance=1e-6, time=1e-3)
    assert (single.term_level.max("term") == 0).all()
    assert any("the time was up" in w for w in results.warnings_of(single))


def test_the_estimate_is_the_sum_of_times_and_the_largest_of_memory():
    """Of each level: one run may need more on the first, another one later."""
    found = run.prepare(
        {
            "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": [0.2, 0.3]},
            "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 1.0}],
            "temperature": {"values": [40]},
        }
    )
    expected, single = found.estimate(), [job.estimate() for job in found.jobs]
    assert expected["seconds"] == pytest.approx(sum(c["seconds"] for c in single))
    assert expected["memory_bytes"] == max(c["memory_bytes"] for c in single)
    first, second = (c["level_memory_bytes"] for c in single)
    first[0], second[-1], second[0] = 9e9, 8e9, 1e9
    levels = found.estimate()["level_memory_bytes"]
    assert levels[0] == 9e9 and levels[len(second) - 1] == 8e9 and len(levels) == max(len(first), len(second))


def test_files_are_read_and_symmetrised_once(tmp_path, monkeypatch):
    reads = []
    original = build.build_electrons
    monkeypatch.setattr(build, "build_electrons", lambda *a: reads.append(1) or original(*a))
    data = {
        "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": [0.2, 0.3]},
        "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 1.0}],
        "temperature": {"values": [20]},
    }
    job = run.prepare(data)
    assert len(reads) == 1
    assert job.jobs[0].model is job.jobs[1].model and job.jobs[0].scatterers[0] is job.jobs[1].scatterers[0]


@pytest.mark.parametrize(
    ("level", "sentence"),
    [
        ("chemical_potential = []", "[electrons] chemical_potential = []: the list is empty"),
        ("chemical_potential = [0.1, 0.1]", "chemical_potential = [0.1, 0.1]: 0.1 is listed twice"),
        ('chemical_potential = [0.1, "a"]', 'chemical_potential = [0.1, "a"]: give a plain number'),
        ("chemical_potential = [0.1, nan]", "give a finite number"),
        ("carrier_density = 1e12", "chemical_potential is missing"),
        ("chemical_potential = [0.1, 0.2], carrier_density = 1e12", "carrier_density needs one chemical_potential"),
        ("chemical_potential = 0.0, carrier_density = true", "carrier_density = true: give a plain number"),
    ],
)
def test_mistakes_are_one_sentence(level, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.toml").write_text(INPUT.format(level=level, tolerance=0.02))
    assert main(["run", "in.toml"]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1


def magnet():
    """Simple cubic ferromagnet with spin-orbit coupling."""
    sx, sy, sz = sj.PAULI
    builder = sj.TightBinding(3.0 * np.eye(3), [((0.0, 0.0, 0.0), 1)], spinful=True)
    builder.onsite(0, 0.3 * sz)
    for vector, spin in zip(np.eye(3, dtype=int), (sx, sy, sz), strict=True):
        builder.hop(0, 0, tuple(int(i) for i in vector), -0.4 * np.eye(2) + 0.05j * spin)
    return builder.build()


BULK = sj.impurity(correlation="zero_range", density=1e19, strength=1.0, dimension=3)
COARSE = {"tolerance": 0.3, "energy_nodes": 1, "geometry": "shared", "accuracy": 0.6, "levels": 0}


@pytest.fixture(scope="module")
def bulk():
    """A crystal at three chemical potentials, and the k points at which each call of the intrinsic part looked."""
    calls = []
    plain = run.intrinsic_conductivity

    def counted(model, levels, temperatures, **options):
        found = plain(model, levels, temperatures, **options)
        calls.append((list(levels), np.shape(temperatures), found.points))
        return found

    run.intrinsic_conductivity = counted
    try:
        found = sj.anomalous_hall(
            magnet(), BULK, chemical_potential=[-1.0, -0.8, -0.6], temperatures=[200, 300], intrinsic_tolerance=0.1,
            **COARSE,
        )  # fmt: skip
    finally:
        run.intrinsic_conductivity = plain
    return found, calls


def test_the_intrinsic_part_of_a_crystal_is_computed_once(bulk):
    found, calls = bulk
    [(levels, shape, points)] = calls
    assert levels == [-1.0, -0.8, -0.6] and shape == (3, 2)
    assert int(found.attrs["intrinsic_points"]) == points
    for mu in levels:
        single = sj.intrinsic_conductivity(magnet(), mu, [200, 300], tolerance=0.02)
        here = found.sel(chemical_potential=mu, a="y", b="x")
        error = np.hypot(here.sigma_intrinsic_error, single.error[0]) + 1e-9
        assert (np.abs(here.sigma_intrinsic - single.conductivity[0, :, 1, 0]) < 2 * error).all()


def test_the_rest_of_a_crystal_is_that_of_a_run_of_its_own(bulk):
    found, _ = bulk
    single = sj.anomalous_hall(magnet(), BULK, chemical_potential=-0.8, temperatures=[200, 300], **COARSE)
    here = found.sel(chemical_potential=-0.8)
    for name in ("sigma_boltzmann", "sigma_side_jump", "sigma_side_jump_error", "term_level"):
        np.testing.assert_allclose(here[name], single[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_densities_of_a_bulk_metal(bulk):
    """Every density has its own chemical potential; the intrinsic part belongs to it."""
    found = sj.anomalous_hall(
        magnet(), BULK, chemical_potential=-0.8, carrier_density=[1e21, -1e21], temperatures=[300],
        intrinsic_tolerance=0.1, **COARSE,
    )  # fmt: skip
    assert found.sigma_side_jump.dims == ("doping", "temperature", "a", "b")
    assert not any("has this density to" in w for w in results.warnings_of(found))
    levels = found.chemical_potential.values[:, 0]
    assert levels[0] > -0.8 > levels[1]
    for i, mu in enumerate(levels):
        single = sj.intrinsic_conductivity(magnet(), mu, [300], tolerance=0.05)
        here = found.isel(doping=i, temperature=0).sel(a="y", b="x")
        error = np.hypot(here.sigma_intrinsic_error, single.error[0, 0]) + 1e-9
        assert np.abs(here.sigma_intrinsic - single.conductivity[0, 0, 1, 0]) < 2 * error


def test_temperatures_of_each_chemical_potential():
    """Those of a row belong to its chemical potential alone."""
    model, levels, rows = magnet(), [-1.0, -0.7], [[100.0, 0.0], [300.0, 50.0]]
    both = sj.intrinsic_conductivity(model, levels, rows, mesh=8)
    for i in range(2):
        single = sj.intrinsic_conductivity(model, levels[i], rows[i], mesh=8)
        np.testing.assert_allclose(both.conductivity[i], single.conductivity[0], rtol=1e-12, atol=1e-12)
    with pytest.raises(sj.InputError, match="does not fit 2 chemical potentials"):
        sj.intrinsic_conductivity(model, levels, [[1.0]], mesh=8)
    rays = sj.intrinsic_conductivity(MODEL, [0.2, 0.3], [[0.0], [200.0]], tolerance=1e-6)
    for i, t in enumerate((0.0, 200.0)):
        single = sj.intrinsic_conductivity(MODEL, (0.2, 0.3)[i], t, tolerance=1e-6)
        np.testing.assert_allclose(rays.conductivity[i], single.conductivity[0], rtol=1e-5, atol=1e-9)


MAGNONS = sj.magnons(stiffness=0.3, gap=1e-3, exchange_splitting=0.1, spin_density=1e15, dimension=2)


def with_magnons(temperatures, **filling):
    return sj.anomalous_hall(
        MODEL, MAGNONS, temperatures=temperatures, tolerance=0.02, energy_nodes=1, geometry="shared", **filling
    )


def test_magnons_against_the_chemical_potential():
    """Each as alone, and each the intrinsic part with the other sign (see test_magnons)."""
    levels = [0.2, 0.13]
    scan = with_magnons([10.0, 40.0], chemical_potential=levels)
    for mu in levels:
        here, alone = scan.sel(chemical_potential=mu), with_magnons([10.0, 40.0], chemical_potential=mu)
        for name in ("sigma_boltzmann", "sigma_side_jump", "sigma_intrinsic"):
            np.testing.assert_array_equal(here[name], alone[name])
        side = here.sigma_side_jump.sel(a="y", b="x")
        np.testing.assert_allclose(side, -0.5 * MASS / mu, rtol=2e-3)


def test_magnons_against_the_carrier_density():
    """At the chemical potentials of the densities, electrons and holes; a Hall current of holes as of electrons."""
    scan = with_magnons([20.0], chemical_potential=0.0, carrier_density=[-1e12, 1e12])
    side = scan.sigma_side_jump.sel(temperature=20.0, a="y", b="x")
    for density, hall in zip(scan.doping.values, side.values, strict=True):
        mu = float(scan.chemical_potential.sel(doping=density, temperature=20.0))
        alone = with_magnons([20.0], chemical_potential=mu).sigma_side_jump.sel(a="y", b="x")
        assert hall == pytest.approx(float(alone[0]), rel=1e-12)
        assert hall == pytest.approx(-0.5 * MASS / abs(mu), rel=2e-2)
        assert np.sign(mu) == np.sign(density)
