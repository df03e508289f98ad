"""The command line: results, refusals, and one sentence with exit status 2 for every mistake."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

EXAMPLES = Path(__file__).parent.parent / "examples"

BASE = """
[electrons]
model = "massive_dirac"
mass = 0.1
velocity = 3.0
chemical_potential = 0.2

[[scattering]]
kind = "acoustic_deformation_potential"
deformation_potential = 5.0
sound_velocity = 2000.0
mass_density = 7.6e-7

[temperature]
values = [20, 50]

[solver]
energy_nodes = 3
"""


def sidejump(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "sidejump.app.cli", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "in.toml").write_text(BASE)
    done = sidejump("run", "in.toml", "-o", "out.nc", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_result_opens_and_carries_units(result):
    folder, _ = result
    with xr.open_dataset(folder / "out.nc") as dataset:
        assert dict(dataset.sizes) == {"temperature": 2, "a": 2, "b": 2}
        assert dataset.attrs["units"] == "e^2/h" and dataset.temperature.attrs["units"] == "K"
        np.testing.assert_allclose(
            dataset.sigma_total, dataset.sigma_boltzmann + dataset.sigma_intrinsic + dataset.sigma_side_jump
        )
        product = np.einsum("tab,tbc->tac", dataset.resistivity, dataset.sigma_total)
        np.testing.assert_allclose(product, np.broadcast_to(np.eye(2), product.shape), atol=1e-12)
        # intrinsic part of the massive Dirac model at low temperature: Delta / (2 e_F) e^2/h
        assert abs(float(dataset.sigma_intrinsic.isel(temperature=0).sel(a="y", b="x")) - 0.25) < 1e-3
        assert dataset.attrs["onsager_error"] < 1e-10
    assert (folder / "out.png").read_bytes()[:4] == b"\x89PNG"
    assert not list(folder.glob("*.partial"))


def test_table_and_estimate_are_printed(result):
    _, done = result
    assert "side jump" in done.stdout
    assert "pairs" in done.stderr


def test_existing_result_is_kept(result):
    folder, _ = result
    before = (folder / "out.nc").read_bytes()
    done = sidejump("run", "in.toml", "-o", "out.nc", cwd=folder)
    assert done.returncode == 2 and "--force" in done.stderr
    assert (folder / "out.nc").read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("mass = 0.1", "mas = 0.1", ["mas", "mass"]),
        ("values = [20, 50]", "values = [20, -50]", ["-50", "temperature"]),
        ("values = [20, 50]", 'values = [20]\nunit = "C"', ["unit", "K"]),
        ("chemical_potential = 0.2", "chemical_potential = 0.05", ["gap", "0.05"]),
        ("energy_nodes = 3", "energy_nodes = 0", ["energy_nodes"]),
        ("sound_velocity = 2000.0", "", ["sound_velocity", "missing"]),
        ('model = "massive_dirac"', 'model = "masive_dirac"', ["massive_dirac"]),
        ("energy_nodes = 3", "energy_nodes = 9\nmemory = 1e-5", ["memory"]),
        ("[solver]", "[solver", ["TOML"]),
        ("mass_density = 7.6e-7", "mass_density = -1.0", ["mass_density"]),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, old, new, words):
    assert old in BASE
    (tmp_path / "in.toml").write_text(BASE.replace(old, new))
    done = sidejump("run", "in.toml", "-o", "out.nc", "--quiet", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in done.stderr
    assert not (tmp_path / "out.nc").exists()


def test_missing_and_truncated_wannier_files(tmp_path):
    text = BASE.replace('model = "massive_dirac"', 'model = "wannier90"\nfile = "x_tb.dat"\nfermi_energy = 1.0')
    for line in ("mass = 0.1\n", "velocity = 3.0\n", "chemical_potential = 0.2\n"):
        text = text.replace(line, "", 1)
    (tmp_path / "in.toml").write_text(text)
    done = sidejump("run", "in.toml", "-o", "out.nc", cwd=tmp_path)
    assert done.returncode == 2 and "x_tb.dat" in done.stderr and "no such file" in done.stderr
    (tmp_path / "x_tb.dat").write_text(" written\n 1 0 0\n 0 1 0\n 0 0 1\n 2\n 3\n 1 1 1\n 0 0 0\n 1 1 0.5 0.0\n")
    done = sidejump("run", "in.toml", "-o", "out.nc", cwd=tmp_path)
    assert done.returncode == 2 and "truncated" in done.stderr


def test_input_reference_lists_every_key():
    done = sidejump("input-reference", cwd=EXAMPLES)
    assert done.returncode == 0
    for key in ("effective_mass", "correlation_length", "energy_nodes", "fermi_energy", "unit"):
        assert f"`{key}`" in done.stdout


def test_temperatures_in_units_of_t_bg(tmp_path):
    from sidejump.app import config
    from sidejump.app.run import bloch_gruneisen_temperature

    (tmp_path / "in.toml").write_text(BASE.replace("values = [20, 50]", 'values = [0.5, 1.0]\nunit = "T_BG"'))
    settings = config.read_input(tmp_path / "in.toml")
    model, mu = config.build_model(settings.electrons, tmp_path)
    scatterers = config.build_scatterers(settings.scattering, model)
    scale = bloch_gruneisen_temperature(model, scatterers, mu)
    # 2 hbar c k_F / k_B with k_F = sqrt(0.2^2 - 0.1^2) / 3 per angstrom and c = 2000 m/s
    assert scale == pytest.approx(2 * 6.582119569e-16 * 2e13 * np.sqrt(0.03) / 3 / 8.617333262e-5, rel=1e-6)
    np.testing.assert_allclose(config.temperatures(settings.temperature, scale), [0.5 * scale, scale])
