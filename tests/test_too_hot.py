"""Temperatures at which the thermal energy leaves what a model describes: refused, or said with its figure."""

import numpy as np
import pytest

import sidejump as sj
from sidejump.app.run import prepare
from sidejump.result import warnings_of
from sidejump.surfaces.warm import warm_sentences
from sidejump.units import KB
from test_converge import INPUT

PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)
DIRAC = sj.MassiveDirac(mass=0.1, velocity=3.0)


def square(hop=0.05):
    """Cosine bands of width 8 hop."""
    model = sj.TightBinding(3.0 * np.eye(2), [((0, 0), 1)])
    return model.hop(0, 0, (1, 0), -hop).hop(0, 0, (0, 1), -hop).build()


@pytest.mark.parametrize("temperatures", [[1e9], [20.0, 4e5]])
@pytest.mark.parametrize("density", [None, 1e12])
def test_a_k_p_model_is_refused_far_beyond_all_bands(temperatures, density):
    with pytest.raises(sj.InputError, match=r"T = \S+ K: kT = \S+ eV is more than 30 eV.*give temperatures in K"):
        sj.anomalous_hall(
            DIRAC, PHONONS, chemical_potential=0.2, temperatures=temperatures, carrier_density=density, tolerance=0.1
        )
    with pytest.raises(sj.InputError, match="more than 30 eV"):
        prepare(INPUT | {"temperature": {"values": temperatures}})


def test_kt_above_the_width_of_the_bands_is_said():
    """A lattice is well-defined at any temperature."""
    width = 8 * 0.05
    cold, warm, hot = 0.1 * width / KB, 1.01 * width / KB, 50 * width / KB
    assert warm_sentences(square(), 0.0, [cold]) == []
    [sentence] = warm_sentences(square(), 0.0, [cold, warm, hot])
    assert sentence.startswith(f"T >= {warm:.4g} K: kT, up to {KB * hot:.3g} eV, is more than the ")
    assert float(sentence.split("more than the ")[1].split()[0]) == pytest.approx(width, rel=0.02)
    with pytest.raises(sj.InputError, match=r"is more than 100 times the 0.4 eV .* use temperatures up to 4.6e\+05 K"):
        sj.anomalous_hall(square(), PHONONS, chemical_potential=0.0, temperatures=[1e9])


def test_the_hottest_of_a_crystal_is_computed():
    """All states are filled alike: with elastic scattering the conductivity falls as 1/T, to second order in W/kT."""
    impurities = sj.impurity(correlation="zero_range", density=1e11, strength=10.0, dimension=2)
    temperatures = np.array([10.0, 90.0]) * 8 * 0.05 / KB
    with pytest.warns(sj.SidejumpWarning, match="is more than the 0.4 eV from the lowest to the highest state"):
        found = sj.anomalous_hall(
            square(),
            impurities,
            chemical_potential=0.05,
            temperatures=temperatures,
            tolerance=0.3,
            accuracy=0.4,
            replicas=range(1),
        )
    first, second = found.sigma_boltzmann.values[:, 0, 0] * temperatures
    assert second == pytest.approx(first, rel=5e-4)


def test_the_window_of_a_k_p_model():
    """Without a box there is no scale but that of all crystals; with one its faces are the scale."""
    assert warm_sentences(DIRAC, 0.2, [300.0, 3000.0]) == []
    [sentence] = warm_sentences(DIRAC, 0.2, [300.0, 1e5])
    assert sentence.startswith(f"T >= 1e+05 K: 4 kT, up to {4e5 * KB:.3g} eV, on either side") and "30 eV" in sentence
    box = sj.FunctionModel(DIRAC.hamiltonian, dimension=2, search_half_width=0.3)
    end = np.hypot(0.1, 3.0 * 0.3) - 0.2  # where the face is nearest
    assert warm_sentences(box, 0.2, [0.99 * end / 4 / KB]) == []
    [sentence] = warm_sentences(box, 0.2, [1.01 * end / 4 / KB])
    assert f"begin {end:.3g} eV from it" in sentence and "|k_a| < 0.3" in sentence


def test_results_carry_the_sentence():
    data = INPUT | {"temperature": {"values": [20, 1e5]}, "solver": {"tolerance": 0.3, "energy_nodes": 1}}
    data["solver"]["expert"] = {"geometry": "shared", "accuracy": 0.5}
    assert any(w.startswith("T >= 1e+05 K: 4 kT, up to 34.5 eV") for w in warnings_of(prepare(data).run()))
