"""Lyo and Holstein's pieces of the side jump: they move with the gauge, their sum does not (eqs D4 to D8)."""

import numpy as np
import pytest

import sidejump as sj
from helpers_models import haldane
from sidejump.app.cli import main
from sidejump.errors import InputError
from sidejump.intrinsic import intrinsic_conductivity
from sidejump.reference.lyo_holstein import gauge_table

PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)
MODELS = {
    "dirac": (sj.MassiveDirac(mass=0.1, velocity=3.0), 0.2),
    "rashba": (sj.RashbaFerromagnet(effective_mass=0.5, rashba=1.0, exchange=0.05), 0.3),
}


@pytest.mark.parametrize("name", MODELS)
def test_pieces_move_and_their_sum_does_not(name):
    model, mu = MODELS[name]
    found = gauge_table(model, PHONONS, chemical_potential=mu, temperature=30.0)
    moved = np.ptp(found.total)
    assert moved < 1e-7
    for piece in (found.lyo_velocity, found.lyo_distribution, found.velocity_term, found.distribution_term):
        assert np.ptp(piece) > 1e6 * moved
    np.testing.assert_allclose(found.lyo_velocity - found.velocity_term, found.side_jump_velocity, atol=1e-7)
    np.testing.assert_allclose(
        found.lyo_distribution + found.distribution_term, found.side_jump_distribution, atol=1e-7
    )
    # an independent road: the integral of the Berry curvature, without that of the filled band
    sea = np.asarray(intrinsic_conductivity(model, [mu, 0.0], 0.0, tolerance=1e-7))[:, 0, 1, 0]
    expected = sea[0] - (sea[1] if name == "dirac" else 0.0)
    jump = found.side_jump_velocity + found.side_jump_distribution
    off = found.total - jump - expected
    np.testing.assert_allclose(off, np.rint(off), atol=1e-5)
    whole = sj.anomalous_hall(model, PHONONS, chemical_potential=mu, temperatures=[30.0], energy_nodes=1)
    computed = whole.sigma_side_jump.sel(a="y", b="x").item()
    assert computed == pytest.approx(jump, abs=0.02 * abs(jump))  # averaged over the thermal window


def test_gauges_of_a_lattice_are_periodic():
    model = haldane()
    energies = np.linalg.eigvalsh(model.hamiltonian(np.zeros((1, 2))))
    found = gauge_table(model, PHONONS, chemical_potential=float(energies[0, 1]) - 0.3, temperature=30.0, gauges=3)
    assert np.ptp(found.total) < 1e-6 * np.ptp(found.lyo_velocity)


def test_from_the_command_line(tmp_path, capsys):
    source = tmp_path / "dirac.toml"
    assert main(["init", "dirac", str(source)]) == 0
    capsys.readouterr()
    picture = tmp_path / "gauges.png"
    assert main(["gauge", str(source), "--gauges", "2", "--plot", str(picture)]) == 0
    assert picture.read_bytes()[1:4] == b"PNG"
    table = capsys.readouterr().out
    assert "Lyo (D4)" in table and "the sum is sj(1) + sj(2) + intrinsic to" in table
    assert main(["gauge", str(source), "--gauges", "0"]) == 2
    assert "gauges = 0" in capsys.readouterr().err
    for more, words in ((["--plot", str(picture)], "--force"), (["--gauges", "1", "--plot", "a.svg"], "two or more")):
        assert main(["gauge", str(source), *more]) == 2
        assert words in capsys.readouterr().err


def test_what_has_no_such_gauge_is_refused():
    solid = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=5000.0, dimension=3
    )
    model = sj.FunctionModel(lambda k: (k**2).sum(axis=1)[:, None, None] * np.eye(1), dimension=3, search_half_width=1)
    with pytest.raises(InputError, match="two dimensions"):
        gauge_table(model, solid, chemical_potential=0.2, temperature=30.0)
