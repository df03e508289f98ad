"""Tables of films: what they must say, read as they are meant, and one sentence for what is wrong; the command line."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import sidejump as sj
from sidejump import InputError
from sidejump.app import results
from sidejump.app.cli import main
from sidejump.experiment.separate import KIND

SIGNS = "# hall: E_y/j_x\n# magnetisation: +z\n"
NAMES = "film,temperature (K),rho_xx (microohm cm),rho_yx (microohm cm),rho_0 (microohm cm)\n"
POINTS = """\
A,5,1.32,0.0021,1.30
A,100,3.32,0.0121,1.30
B,5,2.32,0.0051,2.30
B,100,4.32,0.0201,2.30
C,5,3.32,0.0101,3.30
C,100,5.32,0.0301,3.30
"""
GOOD = SIGNS + NAMES + POINTS
REMARKS = GOOD.replace("rho_0", "remarks,rho_0").replace("1,1.30", "1,x,1.30").replace("1,2.30", "1,,2.30")
REMARKS = REMARKS.replace("1,3.30", "1,,3.30")


@pytest.fixture
def read(tmp_path):
    def reader(text, **options):
        path = tmp_path / "films.csv"
        path.write_text(text)
        return sj.read_films(path, **options)

    return reader


def test_what_is_read(read):
    films = read(GOOD)
    assert films.names == ("A", "B", "C") and films.dimension == 3 and not films.declared
    np.testing.assert_allclose(films.rho_xx[:2], [1.32e-6, 3.32e-6])
    np.testing.assert_allclose(films.rho_yx[:2], [2.1e-9, 1.21e-8])
    np.testing.assert_allclose(films.residual[:, 0], [1.3e-6, 2.3e-6, 3.3e-6])
    assert films.film.tolist() == [0, 0, 1, 1, 2, 2] and films.coldest.tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (GOOD.replace(",", ";"), {}),
        (GOOD.replace(",", "\t"), {}),
        (GOOD.replace("\n", "\r\n"), {}),
        ("# measured in May: by hand\n\n" + GOOD + "\n,,,,\n", {}),
        (GOOD.replace("# hall: E_y/j_x\n", "").replace("sation: +z", "zation = +z"), {"hall": "E_y / j_x"}),
        (GOOD.replace("rho_xx (microohm cm)", "R long"), {"columns": {"rho_xx": "R long (microohm cm)"}}),
        ("# rho_yx: Hall (microohm cm)\n" + GOOD.replace("rho_yx (microohm cm)", "Hall"), {}),
        (GOOD.replace("rho_yx (microohm cm)", "rho_xy (µΩ cm)"), {}),
        (REMARKS, {}),
    ],
    ids=["semicolons", "tabs", "Windows", "blank lines", "options", "column", "declared", "rho_xy", "remarks"],
)  # fmt: skip
def test_the_same_films_in_other_words(read, text, options):
    expected, found = read(GOOD), read(text, **options)
    for name in ("film", "temperature", "rho_xx", "rho_yx", "residual"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name))


def test_signs(read):
    plus = read(GOOD).rho_yx
    np.testing.assert_allclose(read(GOOD.replace("E_y/j_x", "E_x/j_y")).rho_yx, -plus)
    np.testing.assert_allclose(read(GOOD.replace("+z", "-z")).rho_yx, -plus)
    np.testing.assert_allclose(read(GOOD, magnetisation="-z", hall="E_x/j_y").rho_yx, plus)


def test_units_and_uncertainties(read):
    head = "thickness (angstrom),temperature (K),rho_xx (nohm m),rho_yx (ohm m),rho_xx_error (%),rho_yx_error (%)"
    films = read(f"{SIGNS}{head},rho_0_error (%),rho_0 (ohm cm),thickness_error (%)\n60,5,13.2,-2e-11,1,2,3,1.3e-6,5\n")
    assert films.names == ("6 nm",) and films.thickness.tolist() == pytest.approx([6.0])
    assert films.rho_xx[0] == pytest.approx(1.32e-6) and films.rho_yx[0] == pytest.approx(-2e-9)
    assert films.rho_xx_error[0] == pytest.approx(1.32e-8) and films.rho_yx_error[0] == pytest.approx(4e-11)
    assert films.residual_error[0, 0] == pytest.approx(0.039e-6) and films.scale_error[0] == pytest.approx(0.05)
    sheet = read(f"{SIGNS}film,temperature (K),rho_xx (kohm),rho_yx (ohm)\nA,5,25.8128,25.8128\n")
    assert sheet.dimension == 2
    assert sheet.rho_xx[0] == pytest.approx(1, rel=1e-6) and sheet.rho_yx[0] == pytest.approx(1e-3, rel=1e-6)


def test_static_parts(read):
    text = GOOD.replace("rho_0 (", "rho_0_interface (").replace("cm)\nA", "cm),rho_0_defects (ohm cm)\nA")
    for end in ("30\n",):
        text = text.replace(end, f"{end.strip()},1e-7\n")
    films = read(text)
    assert films.parts == ("interface", "defects")
    np.testing.assert_allclose(films.residual, [[1.3e-6, 1e-7], [2.3e-6, 1e-7], [3.3e-6, 1e-7]])


@pytest.mark.parametrize("declared", [True, False])
def test_written_films_are_read_again(tmp_path, declared):
    films = sj.synthetic_films("hou", declared=declared, thickness_error=0.02)
    sj.write_films(films, tmp_path / "a.csv")
    again = sj.read_films(tmp_path / "a.csv")
    names = ("temperature", "rho_xx", "rho_yx", "residual", "thickness", "scale_error")
    for name in (*names, *(("rho_xx_error", "rho_yx_error") if declared else ())):
        np.testing.assert_allclose(getattr(again, name), getattr(films, name), rtol=1e-14, err_msg=name)
    assert again.names == films.names and again.declared == declared
    with pytest.raises(InputError, match="exists already"):
        sj.write_films(films, tmp_path / "a.csv")


BAD = {
    "no sign of the Hall column": (GOOD.replace("# hall: E_y/j_x\n", ""), "does not say what the Hall column is"),
    "no magnetisation": (GOOD.replace("# magnetisation: +z\n", ""), "along which direction"),
    "unknown convention": (GOOD.replace("E_y/j_x", "yx"), "hall = \"yx\" is none of the sign conventions"),
    "unknown direction": (GOOD.replace("+z", "up"), 'magnetisation = "up"'),
    "wrong key": (GOOD.replace("# hall", "# hal"), "line 1 declares 'hal', which is not known; write hall"),
    "declared twice": ("# hall: E_x/j_y\n" + GOOD, "line 2 declares hall a second time"),
    "missing column": (GOOD.replace("rho_yx (microohm cm)", "foo"), "no column is rho_yx"),
    "declared column missing": ("# rho_yx: Hall (ohm)\n" + GOOD, "no column is called 'Hall'"),
    "no film": (GOOD.replace("film,", "sample,"), "of which film"),
    "unknown unit": (GOOD.replace("rho_xx (microohm cm)", "rho_xx (furlong)"), "unit 'furlong' of rho_xx is not known"),
    "no unit": (GOOD.replace("temperature (K)", "temperature"), "temperature has no unit"),
    "Celsius": (GOOD.replace("temperature (K)", "temperature (C)"), "unit 'C' of temperature"),
    "kinds mixed": (GOOD.replace("rho_xx (microohm cm)", "rho_xx (ohm)"), "mixes resistivities"),
    "no number": (GOOD.replace("2.32", "abc"), 'line 6: rho_xx = "abc" is no number'),
    "decimal comma": (GOOD.replace(",", ";").replace("2.32", "2,32"), 'line 6: rho_xx = "2,32" is no number'),
    "a line twice": (GOOD + GOOD.splitlines()[-1] + "\n", "point 7 (film C) is point 6 once more"),
    "nan": (GOOD.replace("2.32", "nan"), "not finite"),
    "infinite": (GOOD.replace("2.32", "inf"), "not finite"),
    "negative resistivity": (GOOD.replace("2.32", "-2.32"), "line 6: rho_xx = -2.32 must be above 0"),
    "zero resistivity": (GOOD.replace("2.32", "0"), "line 6: rho_xx = 0 must be above 0"),
    "negative temperature": (GOOD.replace("B,5", "B,-5"), "temperature = -5 must be above 0"),
    "empty cell": (GOOD.replace("2.32", ""), "line 6 has no rho_xx"),
    "short line": (GOOD.replace("B,5,2.32,0.0051,2.30", "B,5,2.32"), "line 6 has no rho_yx"),
    "rho for rho_0": (GOOD.replace("0.0121,1.30", "0.0121,3.32"), "the residual resistivity of each film, not rho"),
    "rho declared as rho_0": ("# rho_0: rho_xx\n" + GOOD.replace(",rho_0 (microohm cm)", ",x"), "not rho"),
    "two columns of one name": (GOOD.replace("rho_0 (", "rho_xx ("), "two columns are called"),
    "two Hall columns": (GOOD.replace("rho_0 (", "rho_xy ("), "are both rho_yx"),
    "parts and whole": (GOOD.replace("film,", "film,rho_0_b (ohm cm),").replace(",5,", ",5,5,"), "the parts alone"),
    "far too large": (GOOD.replace("2.32", "1e200"), "rho_xx of point 3 (film B) is 1e+194; it must be"),
    "nothing": ("", "holds no table"),
    "no points": (SIGNS + NAMES, "holds no points"),
    "binary": ("\x00\x01", "not a text file"),
    "errors without those of rho_yx": (GOOD.replace("rho_0 (", "rho_xx_error ("), "rho_yx_error is not"),
    "negative error": (GOOD.replace("rho_0 (", "rho_yx_error (").replace("2.30", "-2.3"), "rho_yx_error = -2.3 must"),
    "error of nothing": (GOOD.replace("rho_0 (microohm cm)", "rho_0_error (%)"), "of which there is no column"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_one_sentence_for_what_is_wrong(case, empty_folder, capsys):
    text, words = BAD[case]
    (empty_folder / "films.csv").write_text(text)
    assert main(["separate", "films.csv"]) == 2
    said = capsys.readouterr().err
    assert words in said and said.startswith("error: films.csv") and said.count("\n") == 1
    assert [path.name for path in empty_folder.iterdir()] == ["films.csv"]


ARRAYS = {"film": ["a", "b"], "temperature": [5, 5], "rho_xx": [1.0, 2.0], "rho_yx": [0.1, 0.3]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"unit": "ohms"}, 'unit "ohms"'),
        ({"hall": "xy"}, 'hall = "xy"'),
        ({"rho_xx": [1.0]}, "rho_xx has 1 values for 2 points"),
        ({"rho_xx": [1.0, np.nan]}, "rho_xx of point 2"),
        ({"rho_xx": [1.0, -2.0]}, "must be above 0"),
        ({"rho_yx": ["x", "y"]}, "rho_yx holds what is no number"),
        ({"film": []}, "no points"),
        ({"rho_0": {"a": 1.0}}, "rho_0 lacks film b"),
        ({"rho_0": {"a": 1.0, "b": [1.0, 2.0]}}, "must be one number"),
        ({"rho_0": {"a": 1.0, "b": -1.0}}, "must be 0 or more"),
        ({"rho_0": {"a": 1.0, "b": 0.0}}, "rho_0 of film b is not positive"),
        ({"rho_0": {"a": {"i": 1.0}, "b": {"j": 1.0}}}, "has parts j"),
        ({"rho_0": [1.0, 2.0]}, "must be a mapping"),
        ({"rho_0_error": {"a": 1.0, "b": 1.0}}, "rho_0 is not; give both"),
        ({"thickness_error": {"a": 1.0, "b": 1.0}}, "needs the thickness"),
        ({"rho_xx_error": [0.1, 0.1]}, "rho_yx_error is not"),
        ({"rho_yx_error": [0.1, 0.0]}, "rho_yx_error of point 2"),
    ],
)
def test_arrays_that_are_refused(changes, words):
    given = ARRAYS | {"hall": "E_y/j_x", "magnetisation": "+z"} | changes
    arrays = [given.pop(name) for name in ARRAYS]
    with pytest.raises(InputError, match=words.replace("(", "\\(")):
        sj.measured_films(*arrays, **given)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"coefficients": {"gamma": 1.0}}, 'has no coefficient "gamma"'),
        ({"uneven": 3.0}, "from 1"),
        ({"unit": "ohms"}, 'unit = "ohms"'),
        ({"unit": "ohm"}, "give residual and phonons"),
        ({"law": "smit"}, 'law = "smit": use "skew"'),
    ],
)
def test_synthetic_films_that_are_refused(keys, words):
    with pytest.raises(InputError, match=words):
        sj.synthetic_films(**keys)


def test_the_example_is_what_it_says():
    path = Path(sj.__file__).parent / "app" / "gallery_cases" / "films.csv"
    films = sj.synthetic_films("skew", {"alpha_0": 5e-4}, remainder=lambda t: 900 + 200 * np.tanh(t / 100))
    found = sj.read_films(path)
    for name in ("rho_xx", "rho_yx", "rho_xx_error", "rho_yx_error", "residual"):
        np.testing.assert_allclose(getattr(found, name), getattr(films, name), rtol=1e-12)


# the command


@pytest.fixture
def folder(empty_folder):
    sj.write_films(sj.synthetic_films(remainder=lambda t: 900 + t, temperatures=(5, 100, 300)), "films.csv")
    return empty_folder


def test_a_separation_writes_all_that_it_says(folder, capsys):
    assert main(["separate", "films.csv"]) == 0
    out, err = capsys.readouterr()
    names = [f"films.separation.{end}" for end in ("nc", "png", "csv", "terms.csv", "remainder.csv")]
    assert err == f"wrote {' and '.join(names)}\n"
    assert {path.name for path in folder.iterdir()} == {"films.csv", *names}
    for words in ("alpha_0", "scattering-independent remainder", "Theory calls it", "do not tell these apart", "R(T)"):
        assert words in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80
    found = xr.open_dataset("films.separation.nc", engine="h5netcdf")
    expected = sj.separate(sj.read_films("films.csv"))
    assert found.attrs["kind"] == KIND and "created" in found.attrs
    for name in expected.data_vars:
        if expected[name].dtype.kind == "f":
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    with open("films.separation.terms.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["term_value"]) == float(found.term_value[0]) and row["term_unit"] == "1"
    with open("films.separation.remainder.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(r["common_remainder (S/cm)"]) for r in rows] == found.common_remainder.values.tolist()
    with open("films.separation.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == found.sizes["point"] and {r["film_of_point"] for r in rows} == set(found.film.values)
    assert [float(r["remainder_error (S/cm)"]) for r in rows] == found.remainder_error.values.tolist()


def test_nothing_is_overwritten(folder, capsys):
    assert main(["separate", "films.csv", "-q", "--bootstrap", "0"]) == 0
    before = {path: path.read_bytes() for path in folder.iterdir()}
    capsys.readouterr()
    for path in list(before):
        if path.name == "films.csv":
            continue
        others = {p: p.read_bytes() for p in folder.iterdir() if p not in (path, folder / "films.csv")}
        for other in others:
            other.unlink()
        assert main(["separate", "films.csv", "-q", "--law", "skew"]) == 2
        assert f"{path.name} exists already: give --force" in capsys.readouterr().err
        for other, content in others.items():
            other.write_bytes(content)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert main(["separate", "films.csv", "-q", "--force", "--bootstrap", "0"]) == 0
    # its own input in no case
    assert main(["separate", "films.csv", "-o", "films.nc", "--force"]) == 2
    assert "films.csv: is an input of this run" in capsys.readouterr().err


def test_figure_and_tables_of_one_that_is_there(folder, capsys):
    assert main(["separate", "films.csv", "-q", "--law", "hou", "-o", "hou.nc", "--bootstrap", "0"]) == 0
    assert main(["plot", "hou.nc", "-o", "hou.svg"]) == 0
    assert "<svg" in (folder / "hou.svg").read_text()
    assert main(["csv", "hou.nc", "-o", "again.csv"]) == 0
    assert "wrote again.csv and again.terms.csv" in capsys.readouterr().err
    assert (folder / "again.csv").read_bytes() == (folder / "hou.csv").read_bytes()
    assert (folder / "again.terms.csv").read_bytes() == (folder / "hou.terms.csv").read_bytes()
    assert main(["separate", "films.csv", "--computed", "hou.nc"]) == 2
    assert "is no result of this version" in capsys.readouterr().err


def test_with_a_computed_result(folder, capsys):
    """Films made from a crystal's result of some run are those of a layer here: sheet resistances."""
    impurities = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    computed = sj.anomalous_hall(model, impurities, chemical_potential=0.2, temperatures=[5, 100], energy_nodes=1,
                                 geometry="shared", tolerance=0.1)  # fmt: skip
    results.write(computed, "result.nc")
    lines = ["film,temperature (K),rho_xx (h/e^2),rho_yx (h/e^2)"]
    for film, rho in (("a", 0.01), ("b", 0.02), ("c", 0.03), ("d", 0.04)):
        for t in (5, 100, 200):
            lines.append(f"{film},{t},{rho + 1e-4 * t},{(-0.4 - 1e-3 / rho) * (rho + 1e-4 * t) ** 2}")
    (folder / "layers.csv").write_text(SIGNS + "\n".join(lines) + "\n")
    assert main(["separate", "layers.csv", "--computed", "result.nc"]) == 0
    out, err = capsys.readouterr()
    assert "computed" in out and "less comp." in out and max(map(len, out.splitlines())) <= 80
    assert "has no value at 200 K" in err
    found = xr.open_dataset("layers.separation.nc", engine="h5netcdf")
    assert found.attrs["computed_result"] == "result.nc" and found.attrs["units"] == "e^2/h"
    assert np.isfinite(found.common_difference[:2]).all() and np.isnan(found.common_difference[2])
    assert main(["separate", "films.csv", "--computed", "result.nc"]) == 2
    assert "that of a layer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--law", "smit"], 'law = "smit": use "skew", "shitade-nagaosa" or "hou"'),
        (["--column", "rho_xx"], "--column rho_xx: give NAME=COLUMN (UNIT)"),
        (["--column", "foo=rho_xx (ohm)"], '"foo" is no quantity of films'),
        (["--column", "rho_0=rho_xx"], "rho_0 is the residual resistivity of each film, not rho"),
        (["--hall", "xy"], 'hall = "xy" is none of the sign conventions'),
        (["--low", "1"], "no point is at or below 1 K"),
        (["--bootstrap", "1"], "whole number"),
        (["--computed", "nope.nc"], "nope.nc: no such file"),
        (["-o", "x.txt"], "must end in .nc"),
        (["-o", "nowhere/x.nc"], "the folder nowhere does not exist"),
        (["--low", "cold"], '--low "cold": give a plain number'),
    ],
)
def test_options_that_are_refused(folder, capsys, arguments, words):
    assert main(["separate", "films.csv", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["films.csv"]


def test_help_has_examples(capsys):
    assert main(["separate", "--help"]) == 0
    out = capsys.readouterr().out
    for words in ("Examples:", "--law hou --computed results/iron.nc", "# hall: E_y/j_x", "alpha_0 rho_0/rho^2 + R(T)"):
        assert words in out


def test_films_that_are_not_declared_and_partial(folder, capsys):
    (folder / "few.csv").write_text(
        SIGNS + NAMES + "".join(f"{n},5,{r},{-1e-4 * r},{r}\n" for n, r in (("A", 1.3), ("B", 2.3), ("C", 3.3)))
    )
    assert main(["separate", "few.csv", "--law", "hou"]) == 2
    assert "do not determine gamma_0_T, beta_T" in capsys.readouterr().err
    assert main(["separate", "few.csv", "--law", "hou", "--partial"]) == 0
    out, err = capsys.readouterr()
    assert out.count("not determined") == 2 and "gamma_0_T, beta_T not determined" in err
