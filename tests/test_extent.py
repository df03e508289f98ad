"""Shells of k.p models are found whole, whatever their size beside the model's own scale; energies in meV are not."""

import time

import numpy as np
import pytest

import sidejump as sj
from helpers_models import haldane, random_wannier, warped
from sidejump.bands.extent import enclosing_half_width
from sidejump.surfaces.edges import nearest_edges
from sidejump.surfaces.fermi import fermi_shell
from sidejump.transport import TransportSettings, run_transport
from sidejump.transport.spacings import default_spacing

PHONONS = {
    d: sj.acoustic_deformation_potential(
        deformation_potential=1.0, sound_velocity=2000.0, mass_density={2: 7.6e-7, 3: 5e3}[d], dimension=d
    )
    for d in (2, 3)
}


def density_of_tilted_cone(mass, tilt, mu):
    """``dn/dmu`` of the ellipse ``sqrt(k^2 + m^2) + t.k = mu`` (v = 1): its area is pi (mu^2/g - m^2) / g^(1/2) for
    ``g = 1 - t^2``, over (2 pi)^2."""
    return 2 * mu / (4 * np.pi * (1 - np.dot(tilt, tilt)) ** 1.5)


@pytest.mark.parametrize("mass", [5e-3, 0.1])
@pytest.mark.parametrize("tilt, angle", [(0.0, 0.0), (0.5, 0.0), (0.9, 1.0), (0.99, 0.0), (0.99, 0.4)])
def test_fermi_line_of_a_tilted_cone(mass, tilt, angle):
    t = tilt * np.array([np.cos(angle), np.sin(angle)])
    model = sj.MassiveDirac(mass=mass, velocity=1.0, tilt=t)
    assert nearest_edges(model, 1.0).inside
    shell = fermi_shell(model, 1.0, spacing=default_spacing(model, 1.0), minimum=48)
    assert shell.weight.sum() == pytest.approx(density_of_tilted_cone(mass, t, 1.0), rel=1e-5)
    assert shell.unconverged == 0 and len(shell) < 600


@pytest.mark.parametrize("scale", [1e-5, 1e-3, 1.0])
def test_half_width_holds_the_shell(scale):
    """Where the model's own scale is far from that of the shell."""
    model = sj.RashbaFerromagnet(effective_mass=0.6, rashba=1.0, exchange=0.05)
    radius = np.linalg.norm(fermi_shell(model, 0.3, spacing=0.1).k, axis=1).max()
    own = type("Scaled", (sj.RashbaFerromagnet,), {"k_scale": scale})(effective_mass=0.6, rashba=1.0, exchange=0.05)
    assert enclosing_half_width(own, 0.3) > radius


def test_side_jump_does_not_depend_on_how_it_is_sampled():
    """Tilt 0.99: with the spacing by default, a smaller one, and one that resolves all."""
    model = sj.MassiveDirac(mass=0.1, velocity=1.0, tilt=(0.99, 0.0))
    found = [
        run_transport(
            model,
            [PHONONS[2]],
            chemical_potential=0.2,
            temperatures=[100.0],
            settings=TransportSettings(energy_nodes=1, geometry="shared", **more),
        )
        for more in ({"accuracy": 6.0}, {"accuracy": 8.0}, {"accuracy": 6.0, "spacing": 0.05})
    ]
    for name in ("boltzmann", "side_jump_velocity", "side_jump_distribution"):
        values = [getattr(one, name)[0] for one in found]
        for other in values[1:]:
            np.testing.assert_allclose(other, values[0], atol=1e-6 * np.abs(values[0]).max())


def test_open_contours_are_refused():
    def overtilted(k):
        return k[:, 0, None, None] * np.eye(2) + 0.5 * (k[:, 1, None, None] * sj.PAULI[0] + 0j * sj.PAULI[2])

    with pytest.raises(sj.InputError, match="does not close"):
        enclosing_half_width(sj.FunctionModel(overtilted, dimension=2), 0.1)
    with pytest.raises(sj.InputError, match="search_half_width"):
        enclosing_half_width(sj.FunctionModel(warped, dimension=2, search_half_width=0.05), 0.2)
    assert enclosing_half_width(sj.FunctionModel(warped, dimension=2, search_half_width=0.3), 0.2) == 0.3


@pytest.mark.parametrize(
    "model, mu, words",
    [
        (sj.MassiveDirac(mass=0.1, velocity=3.0), 200.0, "not meV"),
        (sj.MassiveDirac(mass=0.1, velocity=3.0), -200.0, "not meV"),
        (sj.Weyl(velocity=2.0, node=0.1), 50.0, "not meV"),
        (sj.Luttinger(gamma1=6.98, gamma2=2.06, gamma3=2.93), 100.0, "not meV"),
        (sj.RashbaFerromagnet(effective_mass=0.6, rashba=1.0, exchange=0.05), 1e40, "not meV"),
        (haldane(0.2, 0.1), 200.0, "outside the bands"),
        (random_wannier(3, 4), -200.0, "outside the bands"),
    ],
)
def test_energies_in_another_unit_end_at_once(model, mu, words):
    started = time.perf_counter()
    with pytest.raises(sj.InputError, match=words):
        sj.anomalous_hall(model, [PHONONS[model.dimension]], chemical_potential=mu, temperatures=[100])
    assert time.perf_counter() - started < 10


def test_far_energies_that_are_meant():
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    model.search_half_width = 100.0
    ds = sj.anomalous_hall(
        model,
        [PHONONS[2]],
        chemical_potential=200.0,
        temperatures=[100],
        energy_nodes=1,
        tolerance=0.3,
        geometry="shared",
    )
    assert ds.sigma_boltzmann.values[0, 0, 0] > 0
