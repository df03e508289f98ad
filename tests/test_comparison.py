"""Tables that Perturbo and EPW print, and the picture of a result against them."""

import sys

import numpy as np
import pytest
from scipy import constants

from sidejump.app import results
from sidejump.app.cli import main
from sidejump.app.run import prepare
from sidejump.errors import InputError
from sidejump.formats.transport_tables import read_conductivities
from sidejump.plot.comparison import ratios

NAMES = ("xx", "xy", "yy", "xz", "yz", "zz")
TENSOR = np.array([[2.5e5, -10.0, 3.0], [-10.0, 2.4e5, 1.0], [3.0, 1.0, 2.3e5]])
SKEWED = TENSOR + 7.0 * (np.triu(np.ones((3, 3)), 1) - np.tril(np.ones((3, 3)), -1))


def perturbo(path, tensors, unit="1/Ohm/m", iterations=False):
    """A `.trans_coef` as Perturbo lays it out, and a section of mobilities below."""
    head = "          #==========================================================#"

    def section(title, name, factor):
        lines = ["", head, f"          #                  {title}                  #", head.replace("=", "-"), ""]
        lines.append("#  T (K)   E_f(eV)   n_c (cm^-3)" + "".join(f"       {name}_{c}" for c in NAMES))
        for t, tensor in tensors.items():
            values = [factor * tensor["xyz".index(c[0]), "xyz".index(c[1])] for c in NAMES]
            numbers = "".join(f" {x:14.6E}" for x in values)
            lines.append(f"{t:8.2f} {6.55048:9.5f} {0.99458e18:13.5E} " + numbers)
            if iterations:
                lines += [
                    "          #--------------------iterative process---------------------#",
                    f"  #   1   {numbers}",
                ]
        return lines

    lines = section(f"Conductivity ({unit})", "sigma", 1.0) + ["", *section("Mobility (cm^2/V/s)", "mu", 0.06)]
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("iterations", [False, True])
def test_perturbo(tmp_path, iterations):
    perturbo(tmp_path / "x.trans_coef", {300.0: TENSOR, 100.0: 2 * TENSOR}, iterations=iterations)
    (found,) = read_conductivities(tmp_path / "x.trans_coef")
    np.testing.assert_array_equal(found.temperatures, [100, 300])
    np.testing.assert_allclose(found.conductivity, np.stack([2 * TENSOR, TENSOR]) / 100, rtol=1e-6)  # S/cm
    assert (found.dimension, found.label) == (3, "Perturbo")
    perturbo(tmp_path / "y.cond", {300.0: 1e-5 * TENSOR}, unit="1/Ohm")
    (flat,) = read_conductivities(tmp_path / "y.cond")
    older = (tmp_path / "y.cond").read_text().replace("Conductivity", "Conductance")
    (tmp_path / "older.cond").write_text(older)
    assert flat.dimension == 2
    np.testing.assert_allclose(flat.conductivity[0], 1e-5 * TENSOR * constants.h / constants.e**2, rtol=1e-6)
    np.testing.assert_array_equal(read_conductivities(tmp_path / "older.cond")[0].conductivity, flat.conductivity)


def perturbo_yaml(path, tensors, unit="1/Ohm/m", first=None, mode="trans-ita", more=""):
    """A YAML file as Perturbo lays it out; `first` is the factor that the first of two iterations is off by."""
    word = "conductivity" if unit.endswith("/m") else "conductance"
    lines = ["---", "program: perturbo", "", f"calculation mode: {mode}", "", "trans:", "   temperature units: K", ""]
    lines += ["   concentration units: cm-3", "", f"   {word} units: {unit}", "", more]
    lines += ["   # Configuration means one line in the temper file:", f"   number of configurations:   {len(tensors)}"]
    lines += ["", "   configuration index:"]

    def section(indent, tensor):
        places = [(c, "xyz".index(c[0]), "xyz".index(c[1])) for c in (*NAMES, "yx", "zx", "zy")]
        body = ["conductivity:", "", "   components:"]
        body += [f"      {c}: {tensor[a, b]:16.8E}" for c, a, b in places]
        rows = ["".join(f"{x:18.8E}," for x in row) for row in tensor]
        return [" " * indent + line for line in [*body, "", "   tensor:", *(f"      - [{row}  ]" for row in rows), ""]]

    for i, (t, tensor) in enumerate(tensors.items()):
        lines += [
            f"      {i + 1}:",
            "",
            f"         temperature: {t:9.5f}",
            "         concentration:  0.1492171E+19",
            "",
        ]
        lines += section(9, tensor)
        if first is not None:
            lines += ["         number of iterations:    2", "", "         iteration:", ""]
            for n, factor in ((1, first), (2, 1.0)):
                lines += [f"            {n}:", "", *section(15, factor * tensor)]
    path.write_text("\n".join([*lines, "..."]) + "\n")


def test_perturbo_yaml(tmp_path):
    pytest.importorskip("yaml", reason="PyYAML is not installed: the extra [interop]")
    tensors = {300.0: TENSOR, 100.0: 2 * TENSOR}
    expected = np.stack([2 * TENSOR, TENSOR]) / 100
    perturbo_yaml(tmp_path / "x_trans-rta.yml", tensors)
    (found,) = read_conductivities(tmp_path / "x_trans-rta.yml")
    assert (found.dimension, found.label, list(found.temperatures)) == (3, "Perturbo", [100, 300])
    np.testing.assert_allclose(found.conductivity, expected, rtol=1e-7)
    perturbo_yaml(tmp_path / "x_trans-ita.yml", tensors, first=0.8)
    first, last = read_conductivities(tmp_path / "x_trans-ita.yml")
    assert (first.label, last.label) == ("Perturbo, relaxation times", "Perturbo, iterated")
    np.testing.assert_allclose(first.conductivity, 0.8 * expected, rtol=1e-7)
    np.testing.assert_allclose(last.conductivity, expected, rtol=1e-7)
    perturbo_yaml(tmp_path / "y.yaml", {300.0: 1e-5 * TENSOR}, unit="1/Ohm")
    (flat,) = read_conductivities(tmp_path / "y.yaml")
    assert flat.dimension == 2
    np.testing.assert_allclose(flat.conductivity[0], 1e-5 * TENSOR * constants.h / constants.e**2, rtol=1e-7)
    # the same numbers as in the table of text
    perturbo(tmp_path / "x.trans_coef", tensors)
    (text,) = read_conductivities(tmp_path / "x.trans_coef")
    np.testing.assert_allclose(found.conductivity, text.conductivity, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("trans:", "bands:"), 'has no section "trans"'),
        (("1/Ohm/m", "S/cm"), 'conductivity in "S/cm"'),
        (("units: K", "units: eV"), 'temperatures in "eV"'),
        (("   concentration units: cm-3", "   magnetic field units: T"), "in a magnetic field"),
        (("temperature: 300.00000", "temperature: ********"), "truncated or not"),
        (("         conductivity:", "         conductance:"), "truncated or not a table of Perturbo.*conductivity"),
        (("tensor:", "tensr:"), "truncated or not a table of Perturbo.*tensor"),
        (("E+05", "E+999"), "not finite"),
        (("program: perturbo", "program: [perturbo"), "truncated or not"),
    ],
)
def test_other_yaml_is_refused(tmp_path, change, words):
    pytest.importorskip("yaml", reason="PyYAML is not installed: the extra [interop]")
    path = tmp_path / "x.yml"
    perturbo_yaml(path, {300.0: TENSOR})
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(InputError, match=words) as caught:
        read_conductivities(path)
    assert "x.yml" in str(caught.value) and "\n" not in str(caught.value)


def test_yaml_without_its_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    perturbo_yaml(tmp_path / "x.yml", {300.0: TENSOR})
    with pytest.raises(InputError, match=r'needs yaml: pip install "sidejump\[interop\]"'):
        read_conductivities(tmp_path / "x.yml")


def epw(path, *, hall=False, plane=False, metal=False, older=False):
    """Output of EPW: of a run in a magnetic field, or the mobilities of a carrier density, two iterations.

    `older`: as before EPW 5.7, with blocks by columns and rows of a tensor without population.
    """
    bar, lines = "     " + "=" * 93, ["     Program EPW v.5.4 starts", ""]
    density = 1e13

    def block(method, scale):
        out = [bar, f"     {method}", bar]
        for t in (100.0, 300.0):
            mu = scale * SKEWED / t
            out += [" ", f"     Temperature: {t:10.4f} K"]
            unit = "[Siemens]" if plane else "[Siemens/m]"
            out.append(f"     Conductivity tensor without magnetic field | with magnetic field {unit}")
            rows = mu.T if older else mu
            lines_of = [
                "    " + "".join(f"{x:14.5E}" for x in row) + "  |" + "".join(f"{1:14.5E}" for _ in row) for row in rows
            ]
            field = "with magnetic field" if older else "Hall mobility"
            out += [*lines_of, f"     Mobility tensor without magnetic field     | {field} [cm^2/Vs]", *lines_of]
        return out

    def table(scale):
        names = "Elec density  Population SR                  Elec mobility "
        units = f"   [cm^-{2 if plane else 3}]      [e per cell]                    [cm^2/Vs]"
        if metal:
            names = "     DOS        Population SR                 Conductivity "
            units = "[states/Ry] [carriers per cell]               [Ohm.cm]^-1 "
        out = [bar, f"       Temp     Fermi   {names}", f"        [K]      [eV]  {units}", bar, ""]
        for t in (100.0, 300.0):
            rows = ["".join(f"{x:16.6E}" for x in row) for row in scale * SKEWED / t]
            out.append(f"     {t:8.3f}{6.1:9.4f}{density:14.5E}{0:14.5E}{rows[0]}")
            out += [" " * 50 + row if older else " " * 36 + f"{-2.647e-23:14.5E}" + row for row in rows[1:]]
        return out

    serta = "BTE in the self-energy relaxation time approximation (SERTA)"
    if hall:
        lines += block(serta, 1.0) + block("BTE", 1.2)
    else:
        lines += [bar, f"     {serta}", bar, *table(1.0), "", "     Iteration number:         1", *table(1.1)]
        lines += ["     Iteration number:         2", *table(1.2)]
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("plane", [False, True])
@pytest.mark.parametrize("hall", [False, True])
def test_epw(tmp_path, hall, plane, older):
    epw(tmp_path / "epw.out", hall=hall, plane=plane, older=older)
    found = {table.label: table for table in read_conductivities(tmp_path / "epw.out")}
    assert set(found) == {"EPW, SERTA", "EPW, BTE"}
    unit = constants.h / constants.e**2 if plane else 0.01  # e^2/h of S, S/cm of S/m
    carriers = 1.0 if hall else constants.e * 1e13 * (1e4 if plane else 1e6) * 1e-4
    for label, scale in (("EPW, SERTA", 1.0), ("EPW, BTE", 1.2)):
        table = found[label]
        assert table.dimension == (2 if plane else 3)
        expected = scale * unit * carriers * np.stack([SKEWED / 100, SKEWED / 300])
        np.testing.assert_allclose(table.conductivity, expected, rtol=1e-5)


def test_epw_of_a_metal(tmp_path):
    epw(tmp_path / "epw.out", metal=True)
    serta, iterated = read_conductivities(tmp_path / "epw.out")
    expected = np.stack([SKEWED / 100, SKEWED / 300])  # S/cm
    np.testing.assert_allclose(serta.conductivity, expected, rtol=1e-5)
    np.testing.assert_allclose(iterated.conductivity, 1.2 * expected, rtol=1e-5)
    assert (serta.dimension, serta.label, iterated.label) == (3, "EPW, SERTA", "EPW, BTE")


def test_elcond_of_epw(tmp_path):
    numbers = "".join(f"{x:16.8E}" for x in (6.1, 300.0, *TENSOR.ravel()))
    (tmp_path / "x_elcond_e").write_text(
        f"# Electrical conductivity in 1/(Ohm * m)\n#  Ef(eV) Temp(K) Sigma_xx\n{numbers}\n"
    )
    (found,) = read_conductivities(tmp_path / "x_elcond_e")
    np.testing.assert_allclose(found.conductivity[0], TENSOR / 100)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing\n", "holds no conductivity that is known"),
        (
            "#  Conductivity (1/Ohm/m)  #\n#  T (K)   sigma_xx\n 300 6.1 1e18 1.0 2.0\n",
            "4 numbers expected in a row, 5",
        ),
        (
            "#  Conductivity (1/Ohm/m)  #\n#  T (K)   sigma_xx\n" + " 300 6.1 1e18 1.0\n" * 2,
            "lists a temperature twice",
        ),
        ("# Electrical conductivity in 1/(Ohm * m)\n1 2 3\n", "11 numbers expected"),
        ("#  Conductivity (1/Ohm/m)  #\n#  T (K)   sigma_xx\n 300 6.1 1e18 ****\n", "did not fit"),
        ("#  Conductivity (1/Ohm/m)  #\n#  T (K)   sigma_xx\n -5 6.1 1e18 1.0\n", "a temperature of -5 K"),
        ("#  Conductivity (1/Ohm/m)  #\n#  T (K)   sigma_xx  sigma_xx\n 5 6.1 1e18 1.0 1.0\n", "two columns"),
        (
            "#  Conductivity (1/Ohm/m)  #\n#  T (K) "
            + " sigma_".join(["", "xx", "xy", "yy", "xz", "yz", "zz", "yx", "zx", "zy"])
            + "\n 5 6.1 1e18 1.0\n",
            "magnetic field",
        ),
        ("Temp [K]  Elec mobility [cm^2/Vs]\n 300.0 7.1 1e13 0.2E+04  x-axis\n", "PREFIX_elcond_e"),
        ("BTE\n[K] [eV] [cm^-3]\n300.0 6.0 1e18 0.0 1.0 2.0 3.0\n", "three rows of three numbers"),
    ],
)
def test_other_files_are_refused(tmp_path, text, words):
    (tmp_path / "x.out").write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_conductivities(tmp_path / "x.out")
    assert "x.out" in str(caught.value) and "\n" not in str(caught.value)


INPUT = {
    "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2},
    "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 1.0}],
    "temperature": {"values": [20, 60]},
    "solver": {"tolerance": 0.05, "energy_nodes": 1, "expert": {"accuracy": 0.5}},
}


def test_a_result_of_sidejump_is_no_table(tmp_path):
    with pytest.raises(InputError, match=r"other\.nc: .*sidejump\.load"):
        read_conductivities(tmp_path / "other.nc")


def test_picture(tmp_path, capsys):
    dataset = prepare(INPUT).run()
    results.write(dataset, tmp_path / "out.nc")
    siemens = constants.e**2 / constants.h
    own = dataset.sigma_boltzmann.sel(temperature=20).values
    tensor = np.zeros((3, 3))
    tensor[:2, :2] = 0.5 * own * siemens
    perturbo(tmp_path / "x.cond", {20.0: tensor, 300.0: tensor}, unit="1/Ohm")
    (table,) = read_conductivities(tmp_path / "x.cond")
    kelvin, ratio, error = ratios(dataset, table)
    assert kelvin.tolist() == [20] and ratio[0] == pytest.approx(2, rel=1e-5) and error[0] >= 0
    assert main(["plot", str(tmp_path / "out.nc"), "--against", str(tmp_path / "x.cond")]) == 0
    assert (tmp_path / "out.png").exists() or (tmp_path / "out.comparison.png").exists()
    assert "times Perturbo" in capsys.readouterr().err
    for arguments, words in (
        (["--kind", "comparison"], "give --against FILE"),
        (["--kind", "scaling", "--against", str(tmp_path / "x.cond")], "only the picture comparison"),
    ):
        assert main(["plot", str(tmp_path / "out.nc"), "--force", *arguments]) == 2
        assert words in capsys.readouterr().err
    perturbo(tmp_path / "y.cond", {20.0: TENSOR})
    assert main(["plot", str(tmp_path / "out.nc"), "--force", "--against", str(tmp_path / "y.cond")]) == 2
    assert "3 dimensions, the result has 2" in capsys.readouterr().err
