"""`sidejump plot --kind ...`, results loaded and joined, and what notebooks show."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import matplotlib.figure
import numpy as np
import pytest
from scipy import constants

import sidejump as sj
from sidejump.app import results
from sidejump.app.cli import main
from sidejump.app.pictures import KINDS
from sidejump.app.run import prepare
from sidejump.outputs import FIGURES
from sidejump.plot.bands import path_of
from sidejump.plot.fermi_surface import at_corners, fermi_surface_charts, neighbours_on_contours, quantities
from sidejump.plot.note import second_unit
from sidejump.plot.style import STYLE
from sidejump.result import parts_of
from sidejump.surfaces.fermi import fermi_shell
from sidejump.surfaces.triangles import surface_triangles
from sidejump.transport.problem import Problem
from sidejump.transport.resolved import state_resolved
from sidejump.transport.shared import SharedShell
from sidejump.units import KB, conductivity_unit

PHONONS = {
    "kind": "acoustic_deformation_potential",
    "deformation_potential": 5.0,
    "sound_velocity": 2000.0,
    "mass_density": 7.6e-7,
}
IMPURITIES = {"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 1.0}
INPUT = {
    "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2},
    "scattering": [PHONONS, IMPURITIES],
    "temperature": {"values": [20, 60]},
    "solver": {"tolerance": 0.05, "energy_nodes": 1, "expert": {"accuracy": 0.5, "geometry": "shared"}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    results.write(prepare(INPUT).run(), folder / "out.nc")
    warm = INPUT | {"temperature": {"values": [100]}}
    results.write(prepare(warm).run(), folder / "warm.nc")
    other = warm | {"electrons": INPUT["electrons"] | {"mass": 0.12}}
    results.write(prepare(other).run(), folder / "other.nc")
    return folder


def plotted(folder, tmp_path, *arguments, source="out.nc", ending=".svg"):
    target = tmp_path / f"picture{ending}"
    assert main(["plot", str(folder / source), "-o", str(target), "--force", *arguments]) == 0
    return target


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("ending", FIGURES)
def test_every_format(folder, tmp_path, ending):
    begins = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}[ending]
    assert plotted(folder, tmp_path, "-k", "scaling", ending=ending).read_bytes().startswith(begins)


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"comparison", "doping", "heat", "observables", "separation"}))
def test_every_kind_names_its_axes(folder, tmp_path, drawn, kind):
    plotted(folder, tmp_path, "--kind", kind)
    [figure] = drawn
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert panels and all("(" in axes.get_ylabel() or "ratio" in axes.get_ylabel() for axes in panels)
    texts = [axes.get_ylabel() + axes.get_title() for axes in panels]
    if kind in ("temperature", "resistivity", "scaling", "mechanisms", "fermi-surface"):
        assert any("yx" in text for text in texts)


def test_heat_that_was_not_asked_for_is_not_drawn(folder, tmp_path, capsys):
    target = tmp_path / "heat.png"
    assert main(["plot", str(folder / "out.nc"), "--kind", "heat", "-o", str(target)]) == 2
    assert "heat_current" in capsys.readouterr().err and not target.exists()


def test_scaling_shows_the_numbers_of_the_result(folder, tmp_path, drawn):
    plotted(folder, tmp_path, "-k", "scaling")
    dataset = results.read(folder / "out.nc")
    xx, yx = (dataset.sel(a=ab[0], b=ab[1]) for ab in ("xx", "yx"))
    left, right = (axes.lines[0] for axes in drawn[0].axes[:2])
    np.testing.assert_allclose(left.get_xdata(), xx.sigma_boltzmann, rtol=1e-12)
    np.testing.assert_allclose(left.get_ydata(), yx.sigma_intrinsic_plus_side_jump, rtol=1e-6)
    np.testing.assert_allclose(right.get_xdata(), xx.resistivity**2, rtol=1e-12)
    # of an isotropic layer: rho_yx = - sigma_yx / (sigma_xx^2 + sigma_yx^2)
    hall = yx.sigma_intrinsic_plus_side_jump
    np.testing.assert_allclose(right.get_ydata(), -hall / (xx.sigma_boltzmann**2 + hall**2), rtol=1e-6)


def test_parts_come_from_the_result(folder):
    dataset = results.read(folder / "out.nc")
    assert list(parts_of(dataset)) == ["intrinsic", "side_jump"]
    for name in ("sigma_new_part", "sigma_new_part_error"):
        dataset[name] = dataset.sigma_intrinsic
    assert parts_of(dataset)["new_part"] == "new part" and "side_jump_velocity" in parts_of(dataset, halves=True)


@pytest.mark.parametrize("unit", ["e^2/h", "S/cm"])
def test_the_second_axis(unit):
    """e^2/h over the thickness is S/m."""
    axes = matplotlib.figure.Figure().subplots()
    axes.set_ylim(0, 2)
    second_unit(axes, unit, 0.6)
    [right] = axes.child_axes
    axes.figure.draw_without_rendering()
    factor = constants.e**2 / constants.h / 0.6e-9 / 100
    assert right.get_ylim()[1] == pytest.approx(2 * factor if unit == "e^2/h" else 2 / factor, rel=1e-9)


def resolved(settings=None, tilt=(0.3, 0.1)):
    job = prepare(INPUT | {"electrons": INPUT["electrons"] | {"tilt": list(tilt)}})
    return Problem(job.model, job.scatterers, 0.2, settings or replace(job.settings, accuracy=2.0))


def test_states_add_up_to_what_is_solved():
    problem = resolved()
    states = state_resolved(problem, KB * 60)
    shell = problem.solved_shell(0.2, problem.spacings.base)
    expected, _ = SharedShell(problem, shell, KB * 60).solve(KB * 60, 1)
    scale = np.abs(expected.side_jump_velocity).max()
    np.testing.assert_allclose(states.contribution.sum(0), expected.side_jump_velocity, rtol=0, atol=1e-6 * scale)
    ordinary = np.einsum("s,sa,sb->ab", states.weight, states.velocity, states.distribution)
    np.testing.assert_allclose(ordinary, expected.boltzmann, rtol=0, atol=1e-8 * np.abs(expected.boltzmann).max())
    contribution = next(v for k, v in quantities(states, 1, 0).items() if k.startswith("contribution"))
    mean = np.average(contribution, weights=states.weight)
    assert mean == pytest.approx(conductivity_unit(2)[0] * expected.side_jump_velocity[1, 0], rel=1e-6)


def test_states_of_a_dirac_cone():
    """Speed v^2 k / e and curvature -v^2 mass / (2 e^3) everywhere; an even surface has no hot spots."""
    states = state_resolved(resolved(tilt=(0, 0)), KB * 60)
    k = np.sqrt(0.2**2 - 0.1**2) / 3.0
    np.testing.assert_allclose(np.linalg.norm(states.velocity, axis=1), 9 * k / 0.2, rtol=1e-8)
    np.testing.assert_allclose(states.curvature[:, 0], -9 * 0.1 / (2 * 0.2**3), rtol=1e-8)
    speed = next(iter(quantities(states, 1, 0).values()))
    np.testing.assert_allclose(speed, 1e-3 * constants.e / constants.hbar * 1e-10 * 9 * k / 0.2, rtol=1e-8)
    assert not states.hot(states.contribution[:, 1, 0]).any()
    peak = np.zeros(len(states.k))
    peak[3] = -1.0
    assert states.hot(peak).nonzero()[0].tolist() == [3]


def test_the_fermi_surface_as_a_page(folder, tmp_path):
    pytest.importorskip("plotly", reason="plotly is not installed: the extra [report]")
    page = plotted(folder, tmp_path, "-k", "fermi-surface", ending=".html").read_text()
    assert "Berry curvature" in page and "current along y, field along x" in page


def test_triangles_of_a_ball():
    """Area of the sphere, closed (V - E + F = 2), all facing outwards; colours are those of the states."""
    ball = sj.FunctionModel(lambda k: (k**2).sum(axis=1)[:, None, None] * np.eye(1), dimension=3, search_half_width=2.0)
    k = np.random.default_rng(0).standard_normal((2000, 3))
    k /= np.linalg.norm(k, axis=1)[:, None]
    found = surface_triangles(ball, 1.0, k, cells=400)
    first, second, third = (found.k[found.corners[:, i]] for i in range(3))
    normal = 0.5 * np.cross(second - first, third - first)
    assert np.linalg.norm(normal, axis=1).sum() == pytest.approx(4 * np.pi, rel=0.02)
    assert (np.einsum("fa,fa->f", normal, first) >= -1e-12).all()
    edges = {tuple(sorted(edge)) for row in found.corners.tolist() for edge in zip(row, row[1:] + row[:1], strict=True)}
    assert len(found.k) - len(edges) + len(found.corners) == 2
    states = SimpleNamespace(k=k, band=np.zeros(len(k), dtype=int))
    assert np.abs(at_corners(states, found, None, k) - found.k).max() < 0.1


def ring(radius, count, band=0):
    """States of even distance on a circle, as those of a Dirac cone."""
    angle = 2 * np.pi * np.arange(count) / count
    normal = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    weight = np.full(count, 2 * np.pi * radius / count / (2 * np.pi) ** 2 / 3.0)
    return radius * normal, 3.0 * normal, weight, np.full(count, band)


def test_contours_are_closed_lines_of_states_side_by_side():
    """Two circles close to each other and one of another band: each point has two neighbours, all of its own circle."""
    rings = ring(0.1, 40), ring(0.12, 50), ring(0.1, 70, band=1)
    k, velocity, weight, band = (np.concatenate(some) for some in zip(*rings, strict=True))
    states = SimpleNamespace(k=k, velocity=velocity, weight=weight, band=band)
    pairs = neighbours_on_contours(states)
    circle = np.repeat(np.arange(3), (40, 50, 70))
    assert (circle[pairs[:, 0]] == circle[pairs[:, 1]]).mean() == 1.0
    assert (np.bincount(pairs.ravel(), minlength=len(k)) == 2).all()
    length = np.linalg.norm(k[pairs[:, 0]] - k[pairs[:, 1]], axis=1).sum()
    assert length == pytest.approx(2 * np.pi * (0.1 + 0.12 + 0.1), rel=0.01)


def test_a_contour_that_leaves_the_zone_stays_open():
    k, velocity, weight, band = (x[:20] for x in ring(0.1, 40))
    states = SimpleNamespace(k=k, velocity=velocity, weight=weight, band=band)
    assert len(neighbours_on_contours(states)) == 19


def test_sheets_of_a_page_are_hidden_one_by_one():
    """Two balls, one inside the other: each is a trace with all of its triangles, and both share their colours."""

    def balls(k):
        return np.einsum("k,ij->kij", (k**2).sum(axis=1), np.diag([1.0, 2.0]))

    model = sj.FunctionModel(balls, dimension=3, search_half_width=2.0)
    k = np.random.default_rng(0).standard_normal((2000, 3))
    k /= np.linalg.norm(k, axis=1)[:, None]
    band = np.repeat([0, 1], 1000)
    k[band == 1] /= np.sqrt(2)
    surface = surface_triangles(model, 1.0, k, cells=400)
    states = SimpleNamespace(k=k, band=band, weight=np.ones(2000), velocity=2 * k, curvature=k, distribution=k)
    states.side_jump_velocity, states.contribution = k, np.einsum("sa,sb->sab", k, k)
    states.hot = lambda part: np.zeros(len(part), dtype=bool)
    for chart in fermi_surface_charts(states, 1, 0, surface).values():
        assert [(x["name"], x["showlegend"], x["coloraxis"]) for x in chart["data"]] == [
            ("band 0", True, "coloraxis"),
            ("band 1", True, "coloraxis"),
        ]
        assert chart["layout"]["coloraxis"].keys() >= {"colorbar", "colorscale"}
        for sheet, radius in zip(chart["data"], (1.0, np.sqrt(0.5)), strict=True):
            corners = np.stack([sheet[axis] for axis in "xyz"], axis=1)[np.stack([sheet[i] for i in "ijk"], axis=1)]
            area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
            assert area.sum() == pytest.approx(4 * np.pi * radius**2, rel=0.04)


def test_triangles_of_a_crystal_lie_in_its_zone():
    """A surface around a corner of the zone, which the zone cuts into eight: nothing lies outside, nor is any lost."""
    cell = 2.0 * np.eye(3)
    model = sj.FunctionModel(
        lambda k: np.cos(2 * k).sum(axis=1)[:, None, None] * np.eye(1), dimension=3, cell=cell, sites=np.zeros((1, 3))
    )
    shell = fermi_shell(model, -2.0, spacing=0.15, levels=0)
    found = surface_triangles(model, -2.0, shell.k, cells=300)
    assert np.abs(found.k).max() <= np.pi / 2 + 1e-9
    first, second, third = (found.k[found.corners[:, i]] for i in range(3))
    area = 0.5 * np.linalg.norm(np.cross(second - first, third - first), axis=1).sum()
    assert area == pytest.approx(shell.area.sum(), rel=0.03)


def test_the_path_of_a_crystal():
    hopping = sj.FunctionModel(
        lambda k: np.cos(k[:, 0, None, None]) * np.eye(1), dimension=2, cell=np.diag([1.0, 2.0]), sites=np.zeros((1, 2))
    )
    ends = [line[1] for line in path_of(hopping, 0.0)]
    np.testing.assert_allclose(ends, [[np.pi, 0], [np.pi, np.pi / 2], [0, 0]], atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-k", "temprature"], 'did you mean "temperature"'),
        (["-k", "doping"], "scan"),
        (["-k", "separation"], "sidejump run"),
        (["-k", "scaling", "--thickness", "1"], "--thickness"),
        (["--thickness", "-1"], "above zero"),
        (["-k", "bands", "--observable", "spin"], "bands"),
        (["-k", "bands", "--input", "none.toml"], "none.toml"),
        (["--input", "in.toml"], "--input in.toml: the picture temperature is of the numbers of the result alone"),
    ],
)
def test_bad_requests(folder, tmp_path, capsys, arguments, words):
    assert main(["plot", str(folder / "out.nc"), "-o", str(tmp_path / "x.png"), *arguments]) == 2
    assert words in capsys.readouterr().err and not (tmp_path / "x.png").exists()


def test_a_result_without_input_says_so(folder, tmp_path, capsys):
    dataset = results.read(folder / "out.nc")
    del dataset.attrs["input"]
    results.write(dataset, tmp_path / "python.nc")
    assert main(["plot", str(tmp_path / "python.nc"), "-k", "bands"]) == 2
    assert "--input" in capsys.readouterr().err


def test_results_join(folder):
    joined = sj.load(folder / "warm.nc", folder / "out.nc")
    assert joined.temperature.values.tolist() == [20, 60, 100] and "replica" not in joined.dims
    for name, temperatures in (("warm.nc", [100]), ("out.nc", [20, 60])):
        one = sj.load(folder / name)
        np.testing.assert_array_equal(joined.sigma_side_jump.sel(temperature=temperatures), one.sigma_side_jump)
    with pytest.raises(sj.InputError, match=r"other.nc: its model is not that of"):
        sj.load(folder / "out.nc", folder / "other.nc")
    with pytest.raises(sj.InputError, match="20 K is in more than one"):
        sj.load(folder / "out.nc", folder / "out.nc")
    with pytest.raises(sj.InputError, match=r"none\.nc"):
        sj.load(folder / "none.nc")


def test_tables(folder, tmp_path):
    dataset = sj.load(folder / "out.nc")
    frame = sj.to_pandas(dataset)
    np.testing.assert_array_equal(frame["sigma_side_jump_yx (e^2/h)"], dataset.sigma_side_jump.sel(a="y", b="x"))
    assert main(["csv", str(folder / "out.nc"), "-o", str(tmp_path / "out.json")]) == 0
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["columns"]["sigma_boltzmann_xx (e^2/h)"] == dataset.sigma_boltzmann.sel(a="x", b="x").values.tolist()
    assert content["attributes"]["units"] == "e^2/h"


def test_what_notebooks_show():
    model = sj.FunctionModel(lambda k: k[:, 0, None, None] * sj.PAULI[2], dimension=2, search_half_width=0.3)
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
    )
    study = sj.Study(sj.MassiveDirac(mass=0.1, velocity=3.0), (phonons,), (0.2,), np.array([20.0, 60.0]))
    assert "FunctionModel" in model._repr_html_() and "acoustic deformation potential" in phonons._repr_html_()
    assert "20, 60" in study._repr_html_() and "0.2" in study._repr_html_()
    data = sj.read_compact(Path(sj.__file__).parent / "app" / "demo_case" / "ferromagnetic_layer.h5")
    assert "2.2" in data._repr_html_() and "of a layer" in data._repr_html_() and "4, both spins" in data._repr_html_()
    assert "3 modes" in data.phonons._repr_html_()
    films = sj.synthetic_films(thickness=(6.0, 9.0), temperatures=(5.0, 300.0))
    assert "6, 9" in films._repr_html_() and "5 to 300, 4 points" in films._repr_html_()
    assert "spin" in sj.spin("z")._repr_html_() and "hbar" in sj.spin("z")._repr_html_()
    odd = replace(phonons, name="<b>")
    assert "&lt;b&gt;" in odd._repr_html_() and "<b>" not in odd._repr_html_()


@pytest.mark.parametrize("largest", [1.51e-3, 1.8e-3, 2e-7, 0.6, 4e6])
def test_ticks_do_not_run_into_each_other(largest):
    with matplotlib.rc_context(STYLE):
        figure = matplotlib.figure.Figure(figsize=(8.4, 3.7), layout="constrained")
        axes, _, _ = figure.subplots(1, 3)
        axes.plot([0, largest], [0, largest])
        figure.canvas.draw()
        boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    assert len(boxes) > 2 and all(a.x1 < b.x0 for a, b in pairwise(boxes))
