"""`sidejump converge`: how the error of a result fell, and what less of it costs."""

from dataclasses import replace

import numpy as np
import pytest

from sidejump.app import results
from sidejump.app.cli import main
from sidejump.app.convergence import courses, text
from sidejump.app.run import prepare
from sidejump.errors import InputError
from sidejump.plot.convergence import convergence_figure

INPUT = {
    "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2},
    "scattering": [
        {
            "kind": "acoustic_deformation_potential",
            "deformation_potential": 5.0,
            "sound_velocity": 2000.0,
            "mass_density": 7.6e-7,
        }
    ],
    "temperature": {"values": [20, 60]},
    "solver": {"tolerance": 1e-3, "energy_nodes": 3},
}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    path = tmp_path_factory.mktemp("converge") / "out.nc"
    results.write(prepare(INPUT).run(), path)
    return path


def test_it_ends_where_the_result_is(result):
    """The last point is the error that the result itself states."""
    [course] = courses(result)
    dataset = results.read(result)
    for part, name in enumerate(("boltzmann", "side_jump")):
        error, value = dataset[f"sigma_{name}_error"], dataset[f"sigma_{name}"]
        stated = (error.max(("a", "b")) / abs(value).max(("a", "b"))).max()
        assert course.whole[-1, part] == pytest.approx(float(stated), rel=1e-3)
    assert course.tolerance == 1e-3
    assert course.seconds[-1] == pytest.approx(float(dataset.term_seconds.sum()), rel=1e-9)
    assert sum(course.replicas.values()) == dataset.sizes["replica"]


def test_the_error_falls_and_terms_make_it_up(result):
    [course] = courses(result)
    assert np.all(np.diff(course.seconds) > 0) and course.whole[-1].max() < course.whole[0].max() / 3
    square = sum(np.nan_to_num(errors[-1]) ** 2 for errors in course.terms.values())
    square = square + sum(left**2 for left in course.floors.values())
    assert np.all(course.whole[-1] <= 1.01 * np.sqrt(square))


def test_less_error_costs_more(result):
    [course] = courses(result)
    costs = [seconds for _, seconds in course.further]
    assert costs == sorted(costs) and costs[-1] > 0
    floor = max(course.floors.values(), default=0.0)
    assert all(np.isinf(seconds) == (tolerance < floor) for tolerance, seconds in course.further)


def test_words_and_picture(result, tmp_path, capsys):
    picture = tmp_path / "error.svg"
    assert main(["converge", str(result), "-o", str(picture)]) == 0
    out = capsys.readouterr().out
    assert "tolerance 0.1 %" in out and "a tolerance of 0.05 %" in out
    drawn = picture.read_text()
    assert "<svg" in drawn and main(["converge", str(result), "-o", str(picture)]) == 2


def test_a_single_error_bar_is_seen_and_names_hide_nothing(result, tmp_path, drawn):
    """The tolerance may be met by the first error bars: a line of one point would be none."""
    [course] = courses(result)
    first = {name: errors[:1] for name, errors in course.terms.items()}
    levels = {name: found[:1] for name, found in course.levels.items()}
    short = replace(course, seconds=course.seconds[:1], whole=course.whole[:1], terms=first, levels=levels)
    for one in (short, course):
        convergence_figure(one, tmp_path / "error.png", ("conductivity", "side jump"))
        drawn[-1].draw_without_rendering()
        for axes in drawn[-1].axes:
            whole = axes.lines[0]
            assert whole.get_label() == "whole error" and whole.get_marker() not in (None, "None", "")
            low, high = axes.get_ylim()
            assert np.all((low < whole.get_ydata()) & (whole.get_ydata() < high)) and axes.get_legend() is None
        [legend] = drawn[-1].legends
        box = legend.get_window_extent()
        assert not any(box.overlaps(axes.get_window_extent()) for axes in drawn[-1].axes)


def test_a_scan_has_a_course_for_each_value(tmp_path):
    electrons = INPUT["electrons"] | {"chemical_potential": [0.2, 0.25]}
    data = INPUT | {"electrons": electrons, "temperature": {"values": [60]}, "solver": {"tolerance": 0.1}}
    results.write(prepare(data).run(), tmp_path / "scan.nc")
    found = courses(tmp_path / "scan.nc")
    assert len(found) == 2 and "0.25" in text(found[1]).splitlines()[0]
    assert main(["converge", str(tmp_path / "scan.nc")]) == 0 and (tmp_path / "scan.convergence.png").exists()


def test_a_result_without_replicas_is_refused(result, tmp_path):
    results.write(results.read(result).drop_vars("replicas"), tmp_path / "bare.nc")
    with pytest.raises(InputError, match="holds no replicas"):
        courses(tmp_path / "bare.nc")
