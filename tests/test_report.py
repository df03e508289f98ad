"""The page about a result: what it says, and that it works in a real browser without a network."""

import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib import image

import test_converge as converged
from sidejump.app import results
from sidejump.app.cli import main
from sidejump.app.reference import toml
from sidejump.app.restore import another
from sidejump.app.run import prepare
from sidejump.app.terminal import with_error
from sidejump.result import hall_of, parts_of

pytestmark = pytest.mark.usefixtures("pages")

INPUT = converged.INPUT | {
    "solver": {"tolerance": 0.05, "energy_nodes": 1, "expert": {"accuracy": 0.5, "geometry": "shared"}}
}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "out.nc"
    dataset = prepare(INPUT).run()
    dataset.attrs["warnings"] = ["</script><script>throw 1</script> a < b"]  # what files hold is text
    results.write(dataset, path)
    return path


@pytest.fixture(scope="module")
def html(result):
    pytest.importorskip("plotly", reason="plotly is not installed: the extra [report]")
    from sidejump.app.report import page

    return page(result)


class Outside(HTMLParser):
    """Addresses that a page would fetch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "href") and not value.startswith("data:"):
                self.found.append((tag, value))


def test_the_page_fetches_nothing_and_text_stays_text(html):
    parser = Outside()
    parser.feed(html)
    assert parser.found == []
    assert "throw 1</script>" not in html and "a &lt; b" in html


def test_numbers_of_table_and_charts_are_those_of_the_result(html, result):
    dataset = results.read(result)
    charts = json.loads(re.search(r'id="charts">(.*?)</script>', html, re.S)[1])
    hall = next(chart for name, chart in charts.items() if name.startswith("Hall"))
    lines = {line["name"]: line for line in hall["data"]}
    for part, words in parts_of(dataset, halves=True).items():
        values, errors = hall_of(dataset, f"sigma_{part}", 2)
        np.testing.assert_allclose(lines[words]["y"], values, rtol=1e-12)
        np.testing.assert_allclose(lines[words]["error_y"]["array"], errors, rtol=1e-12)
        assert all(f"<td>{with_error(v, e)}</td>" in html for v, e in zip(values, errors, strict=True))
    assert "σ<sub>yx</sub>" in hall["layout"]["yaxis"]["title"]["text"]


def test_what_is_said(html, result):
    for words in ("MassiveDirac", "acoustic deformation potential", "20 to 60 K", "yx element", "0.2 eV"):
        assert words in html
    assert "mass_density" in html and "@software{sidejump" in html and "eprint  = {1906.04977}" in html


def test_bands_and_fermi_surface(html, result, tmp_path):
    """States of the Dirac cone at 0.2 eV: on the circle, at the speed v^2 k / e."""
    charts = json.loads(re.search(r'id="charts">(.*?)</script>', html, re.S)[1])
    bands = next(chart for name, chart in charts.items() if name.startswith("Bands"))
    assert len(bands["data"]) == 4 and bands["layout"]["shapes"][-1]["y0"] == 0.2
    drawn = next(chart for name, chart in charts.items() if name.startswith("speed"))["data"]
    lines, surface = (next(trace for trace in drawn if trace["mode"] == mode) for mode in ("lines", "markers"))
    ends = np.array([[x for x in lines[axis] if x is not None] for axis in "xy"]).reshape(2, -1, 2)
    length = np.hypot(*np.diff(ends, axis=2)).sum()  # of the whole contour
    assert length == pytest.approx(2 * np.pi * np.sqrt(0.2**2 - 0.1**2) / 3.0, rel=0.01)
    np.testing.assert_allclose(np.hypot(surface["x"], surface["y"]), np.sqrt(0.2**2 - 0.1**2) / 3.0, rtol=1e-4)
    from sidejump.app.report import page

    assert "Bands and Fermi surface" not in page(result, states=False)
    dataset = results.read(result)
    dataset.attrs["input"] = dataset.attrs["input"].replace("massive_dirac", "wannier90")
    results.write(dataset, tmp_path / "moved.nc")
    moved = page(tmp_path / "moved.nc")
    assert "No bands and no Fermi surface: " in moved and "wannier90" in moved


def test_bad_requests(result, tmp_path, capsys, monkeypatch):
    assert main(["report", str(result), "-o", str(tmp_path / "x.pdf")]) == 2 and ".html" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "none.nc")]) == 2 and "none.nc" in capsys.readouterr().err
    monkeypatch.setitem(__import__("sys").modules, "plotly", None)
    assert main(["report", str(result)]) == 2 and "sidejump[report]" in capsys.readouterr().err


def test_another_input_is_said_to_be_one(result, tmp_path, capsys):
    """In the terminal and on the page, with what differs; values by default are none."""
    pytest.importorskip("plotly", reason="plotly is not installed: the extra [report]")
    text = "\n".join(_toml(INPUT))
    (tmp_path / "same.toml").write_text(text.replace("mass = 0.1", "mass = 0.1\ntilt = [0.0, 0.0]"))
    (tmp_path / "other.toml").write_text(text.replace("mass = 0.1", "mass = 0.12"))
    target = tmp_path / "page.html"
    command = ["report", str(result), "-o", str(target), "--force", "--input"]
    assert main([*command, str(tmp_path / "same.toml")]) == 0
    assert capsys.readouterr().err == f"wrote {target}\n" and "is not that of" not in target.read_text()
    assert main([*command, str(tmp_path / "other.toml")]) == 0
    warning = (
        f"{tmp_path / 'other.toml'} is not that of {result}, to which its states do not belong: [electrons] mass is "
        "0.12 instead of 0.1"
    )
    assert capsys.readouterr().err.splitlines()[0] == f"warning: {warning}"
    assert f"<p class='warning'>{warning}</p>" in target.read_text()
    assert main([*command, str(tmp_path / "other.toml"), "--no-states"]) == 2
    assert "--no-states leaves out" in capsys.readouterr().err


def _toml(data):
    """An input as the lines of its file."""
    for section, content in data.items():
        for one in content if isinstance(content, list) else [content]:
            yield f"[[{section}]]" if isinstance(content, list) else f"[{section}]"
            yield from (f"{key} = {toml(value)}" for key, value in one.items())


def test_what_differs_from_a_result_made_in_python(result, capsys):
    """It holds no input, and says of itself what it was of."""
    dataset = results.read(result)
    del dataset.attrs["input"]
    job = prepare(INPUT | {"temperature": {"values": [20, 70]}})
    words = another(dataset, "out.nc", job, "in.toml")
    assert words.endswith("to which its states do not belong: temperatures is [20.0, 70.0] instead of [20.0, 60.0]")
    assert another(dataset, "out.nc", prepare(INPUT), "in.toml") == ""


def test_what_differs_where_the_input_does_not(result, monkeypatch):
    """The version, or files and code."""
    dataset = results.read(result)
    dataset.attrs["identity"] = "another"
    assert another(dataset, "out.nc", prepare(INPUT)).endswith("files that it names, or code, have changed since")
    monkeypatch.setitem(dataset.attrs, "versions", json.dumps({"sidejump": "0.0.1"}))
    assert another(dataset, "out.nc", prepare(INPUT)).endswith("instead of 0.0.1")
    del dataset.attrs["identity"], dataset.attrs["versions"]
    assert another(dataset, "out.nc", prepare(INPUT)).endswith("the result does not say of which study it is")


def test_differences_are_named_as_the_file_names_them(result):
    """One of another kind is named by that alone, not by all of its keys."""
    dataset = results.read(result)
    impurity = {"kind": "impurity", "density": 1e11, "strength": 10.0, "correlation": "zero_range"}

    def differences(changed):
        dataset.attrs["identity"] = "another"
        sentence = another(dataset, "out.nc", prepare(INPUT), _file(result.parent / "changed.toml", changed))
        return sentence.partition("do not belong: ")[2].split(", ")

    assert differences(INPUT | {"scattering": [*INPUT["scattering"], impurity]}) == [
        '[[scattering]] 2 kind is "impurity" instead of absent'
    ]
    assert differences(INPUT | {"scattering": [impurity]}) == [
        f'[[scattering]] 1 kind is "impurity" instead of "{INPUT["scattering"][0]["kind"]}"'
    ]
    expert = INPUT["solver"] | {"expert": {"accuracy": 0.6, "geometry": "shared"}}
    assert differences(INPUT | {"solver": expert}) == ["[solver.expert] accuracy is 0.6 instead of 0.5"]
    many = INPUT | {
        "electrons": INPUT["electrons"] | {"mass": 0.2, "velocity": 2.0, "chemical_potential": 0.3, "tilt": [0.1, 0.0]}
    }
    assert differences(many | {"temperature": {"values": [5.0]}})[-1].endswith(" and 1 more")


def _file(path, data):
    path.write_text("\n".join(_toml(data)))
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    found = next((p for p in ("chromium", "google-chrome", "chrome") if shutil.which(p)), None)
    driver = shutil.which("chromedriver")
    if found is None or driver is None:
        pytest.skip("neither Chromium with its driver is installed: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which(found)
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,1000"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    window = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield window
    window.quit()


def logged(window) -> list:
    """What the page has written to its console so far: entries reach the driver in order, but late."""
    from selenium.webdriver.support.wait import WebDriverWait

    end = "the page said this last"
    window.execute_script("console.log(arguments[0])", end)
    found = []

    def arrived(window) -> bool:
        found.extend(window.get_log("browser"))
        return any(end in entry["message"] for entry in found)

    WebDriverWait(window, timeout=30, poll_frequency=0.05).until(arrived)
    return [entry for entry in found if end not in entry["message"]]


def test_in_a_browser(html, browser, tmp_path):
    """Loads without an error, draws its plots, each tab shows its section alone."""
    page = tmp_path / "report.html"
    page.write_text(html)
    browser.get(page.as_uri())
    visible = "return [...document.querySelectorAll('section')].filter(s => s.offsetHeight > 0).map(s => s.id)"
    traces = "c => c.querySelectorAll('.point, .js-line').length"
    drawn = f"return [...document.querySelectorAll('.chart')].filter({traces}).length"
    assert browser.execute_script(visible) == ["results"] and browser.execute_script(drawn) == 4
    tabs = browser.find_elements("css selector", "nav button")
    for tab in tabs[1:] + tabs[:1]:
        tab.click()
        assert browser.execute_script(visible) == [tab.get_attribute("data-tab")]
    assert browser.execute_script(drawn) == len(json.loads(re.search(r'id="charts">(.*?)</script>', html, re.S)[1]))
    wide = "return Math.min(...[...document.querySelectorAll('section:not([hidden]) .chart')].map(c => c.offsetWidth))"
    assert browser.execute_script(wide) > 300
    assert [entry for entry in logged(browser) if entry["level"] in ("SEVERE", "WARNING")] == []
    fetched = "return performance.getEntriesByType('resource').map(e => e.name).filter(n => /^https?:/.test(n))"
    assert browser.execute_script(fetched) == []


@pytest.fixture(scope="module")
def crystal(tmp_path_factory):
    """The result of a model in three dimensions."""
    path = tmp_path_factory.mktemp("crystal") / "weyl.nc"
    electrons = {"model": "weyl", "velocity": 2.0, "node": 0.1, "chemical_potential": 0.3}
    phonons = INPUT["scattering"][0] | {"mass_density": 5000.0}
    solver = {"tolerance": 0.3, "energy_nodes": 1, "expert": {"accuracy": 0.5, "geometry": "shared"}}
    case = {"electrons": electrons, "scattering": [phonons], "temperature": {"values": [200]}, "solver": solver}
    results.write(prepare(case).run(), path)
    return path


def test_surfaces_in_a_browser(crystal, browser, tmp_path):
    """Three dimensions: the Fermi surface is drawn, in colours, and another from another side."""
    pytest.importorskip("plotly", reason="plotly is not installed: the extra [report]")
    from sidejump.app.report import page

    path = tmp_path / "crystal.html"
    path.write_text(page(crystal))
    browser.set_script_timeout(120)
    browser.get(path.as_uri())
    browser.find_element("css selector", "nav button[data-tab=states]").click()
    solid = "[...document.querySelectorAll('.chart')].filter(c => c.data && c.data[0].type == 'mesh3d')"
    assert browser.execute_script(f"return {solid}.length") == 5
    picture = f"""
        const done = arguments[arguments.length - 1], chart = {solid}[0];
        Plotly.toImage(chart, {{format: "png", width: 300, height: 300}}).then(done, error => done(String(error)));
    """
    first = pixels(browser.execute_async_script(picture))
    assert len(np.unique(first.reshape(-1, first.shape[-1]), axis=0)) > 200  # shades of a surface, not an empty box
    browser.execute_script(f"Plotly.relayout({solid}[0], 'scene.camera.eye', {{x: -1.5, y: 0.4, z: 0.2}})")
    second = pixels(browser.execute_async_script(picture))
    assert np.abs(second - first).max() > 0.1
    assert [entry for entry in logged(browser) if entry["level"] == "SEVERE"] == []


def pixels(address: str) -> np.ndarray:
    """Of a PNG in the address of a page."""
    assert address.startswith("data:image/png;base64,"), address
    return image.imread(io.BytesIO(base64.b64decode(address.partition(",")[2])), format="png")


def test_a_page_with_an_error_fails_that_test(browser, tmp_path):
    page = tmp_path / "broken.html"
    page.write_text("<script>Plotly.newPlot()</script>")
    browser.get(page.as_uri())
    assert [entry["level"] for entry in logged(browser)] == ["SEVERE"]
