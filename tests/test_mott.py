"""Mott's relation and Wiedemann and Franz's law: the picture of the gallery against closed forms."""

import numpy as np
import pytest
from scipy.integrate import quad

import sidejump as sj
from sidejump.app import config, gallery
from sidejump.app.mott import COLUMNS, in_metal, mott, table
from sidejump.app.run import prepare
from sidejump.reference import dirac
from sidejump.reference.dirac_heat import phonon_ratios, zero_range_ratios
from sidejump.units import KB

MASS, LEVEL = 0.05, 0.2


def test_closed_forms_are_energy_integrals():
    """By adaptive quadrature, the slope by a difference of two chemical potentials."""
    kt, step = 0.02, 1e-4

    def moment(of, power, mu):
        def integrand(e):
            x = (e - mu) / kt
            return x**power * of(MASS / e) / (4 * kt * np.cosh(x / 2) ** 2)

        return quad(integrand, MASS, mu + 40 * kt, epsabs=0, epsrel=1e-11, limit=200, points=[mu])[0]

    found = zero_range_ratios(kt, LEVEL, MASS)
    for of, law in (
        (lambda d: (1 - d**2) / (1 + 3 * d**2), found["mott_boltzmann"]),
        (dirac.zero_range_side_jump, found["mott_side_jump"]),
    ):
        slope = (moment(of, 0, LEVEL + step) - moment(of, 0, LEVEL - step)) / (2 * step)
        assert law == pytest.approx(moment(of, 1, LEVEL) / (np.pi**2 / 3 * kt * slope), rel=1e-5)
    across = moment(dirac.zero_range_side_jump, 2, LEVEL) / moment(dirac.zero_range_side_jump, 0, LEVEL)
    assert found["lorenz_side_jump"] == pytest.approx(across / (np.pi**2 / 3), rel=1e-9)
    cold = zero_range_ratios(1e-4, LEVEL, MASS)
    assert list(cold.values()) == pytest.approx([1.0] * 4, abs=1e-4)


IMPURITIES = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)


@pytest.mark.parametrize("scatterer", [IMPURITIES, PHONONS], ids=["impurities", "phonons"])
def test_both_laws_are_those_of_other_solutions(scatterer):
    """Where kT over the Fermi energy, or cold phonons, break them: energy integrals, an integral equation."""
    step, sound = 0.01, scatterer.sound_velocity
    t = np.array([128.0, 20.0]) if sound is None else np.array([16.0, 4.0])

    def run(level, **settings):
        model = sj.MassiveDirac(mass=MASS, velocity=3.0)
        return sj.anomalous_hall(model, scatterer, chemical_potential=level, temperatures=t, tolerance=5e-4, **settings)

    found = mott(run(LEVEL, heat=True), *(run(LEVEL * (1 + s * step)) for s in (-1, 1)), 2 * step * LEVEL)
    assert found.temperature.values.tolist() == sorted(t)
    for i, x in enumerate(found.temperature.values):
        kt = KB * x
        exact = zero_range_ratios(kt, LEVEL, MASS) if sound is None else phonon_ratios(sound / 3.0, kt, LEVEL, MASS)
        for name, value in exact.items():
            error = float(found[f"{name}_error"][i])
            # the step leaves some 1e-4
            assert abs(float(found[name][i]) - value) < 3 * error + 2e-4 and error < 0.01, name
        assert max(abs(value - 1) for value in exact.values()) > (0.005 if x > 20 or sound else 1e-4)
    lines = table({"impurities": found}).splitlines()
    assert len(lines) == 3 and all(f"{name} (1),{name}_error (1)" in lines[0] for name in COLUMNS)


def test_on_the_fermi_surface_both_laws_are_those_of_the_integral_equation():
    """As for iron, to the leading order of kT over the Fermi energy."""
    card = gallery.CASES / "mott.toml"
    data = config.parse(card.read_text(), card) | {"observable": [], "temperature": {"values": [8.0, 4.0]}}
    said: list[str] = []
    found = in_metal(prepare(data), 2, 7, said.append)
    assert found.temperature.values.tolist() == [4.0, 8.0] and said[0].endswith("way 1 of 2 to lay the points")
    for i, t in enumerate(found.temperature.values):
        exact = phonon_ratios(PHONONS.sound_velocity / 3.0, KB * t, LEVEL, MASS)
        assert float(found.mott_boltzmann[i]) == pytest.approx(exact["mott_boltzmann"], rel=2e-2)
        assert abs(float(found.lorenz_ratio[i]) - exact["lorenz_ratio"]) < 2 * float(found.lorenz_ratio_error[i])
        assert 0 < float(found.lorenz_ratio_error[i]) < 0.02
