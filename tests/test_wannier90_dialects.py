"""Wannier90 files as other programs and people write them: order, numbers, comments, ends, and the `.win`."""

import numpy as np
import pytest

from helpers_models import random_wannier
from helpers_wannier90 import full_positions, write_hr, write_tb, write_win, write_wsvec
from sidejump import intrinsic_conductivity
from sidejump.bands.base import PAULI
from sidejump.bands.lattice import LatticeModel
from sidejump.errors import InputError, SidejumpWarning
from sidejump.formats.info import describe
from sidejump.formats.last_number import last_is_whole
from sidejump.formats.wannier90 import read_wannier90
from sidejump.formats.win import read_win
from sidejump.groups.projections import parse_projections
from sidejump.text_numbers import floats, leading
from sidejump.units import BOHR, conductivity_unit
from sidejump.wannier.position import position_elements


@pytest.fixture
def model():
    return random_wannier(3, 3, seed=5)


def matrices(found):
    """H(R) and r(R) by R."""
    positions = position_elements(found)
    return {
        tuple(r): (h, None if positions is None else positions[i])
        for i, (r, h) in enumerate(zip(found.vectors.tolist(), found.hoppings, strict=True))
    }


def assert_same(found, model, positions=True):
    ours, theirs = matrices(found), matrices(model)
    assert ours.keys() == theirs.keys()
    for r, (h, position) in ours.items():
        np.testing.assert_allclose(h, theirs[r][0], atol=1e-13)
        if positions:
            np.testing.assert_allclose(position, theirs[r][1], atol=1e-13)


@pytest.mark.parametrize("order", ["first", "second", "shuffled", "mixed"])
def test_elements_of_hr_go_where_their_indices_say(tmp_path, model, order):
    write_hr(tmp_path / "x_hr.dat", model, order=order)
    found = read_wannier90(tmp_path / "x_hr.dat", cell=model.cell)
    assert_same(found, model, positions=False)
    words = {"first": "as Wannier90 writes", "second": "as WannierTools writes"}.get(order, "of no program")
    assert words in found.order
    write_win(tmp_path / "x.win", model.cell)
    assert describe(tmp_path / "x_hr.dat")["order_of_rows"] == found.order


@pytest.mark.parametrize("order", ["first", "second", "shuffled"])
@pytest.mark.parametrize("swap_r", [False, True])
def test_elements_of_tb_go_where_their_indices_say(tmp_path, model, order, swap_r):
    write_tb(tmp_path / "x_tb.dat", model, [1] * 27, order=order, swap_r=swap_r)
    assert_same(read_wannier90(tmp_path / "x_tb.dat"), model)


def chern_stack():
    """``0.9 (sin x sx + sin y sy) + (1.4 (cos x + cos y + cos z) - 2.2) sz`` eV, a cube of 3 angstrom."""
    vectors = np.array([(0, 0, 0), *(s * e for e in np.eye(3, dtype=int) for s in (1, -1))])
    hoppings = [-2.2 * PAULI[2]]
    for axis in range(3):
        spin = 0.45 * PAULI[axis] if axis < 2 else 0 * PAULI[0]
        hoppings += [0.7 * PAULI[2] - 1j * spin, 0.7 * PAULI[2] + 1j * spin]
    return LatticeModel(3.0 * np.eye(3), vectors, np.array(hoppings))


@pytest.mark.parametrize("order", ["first", "second"])
def test_the_sign_of_the_hall_conductivity_follows_the_indices(tmp_path, order):
    """The lower of two bands ``d.sigma`` has the curvature ``n.(dn/dkx x dn/dky)/2``, n = d/|d|: summed on the mesh."""
    model = chern_stack()
    write_hr(tmp_path / "x_hr.dat", model, order=order)
    write_win(tmp_path / "x.win", model.cell)
    found = intrinsic_conductivity(read_wannier90(tmp_path / "x_hr.dat"), [0.0], [0.0], mesh=24)
    x, y, z = np.stack(np.meshgrid(*[2 * np.pi * np.arange(24) / 24] * 3, indexing="ij"), -1).reshape(-1, 3).T
    d = np.stack([0.9 * np.sin(x), 0.9 * np.sin(y), -2.2 + 1.4 * (np.cos(x) + np.cos(y) + np.cos(z))], axis=1)
    dx = 3.0 * np.stack([0.9 * np.cos(x), 0 * x, -1.4 * np.sin(x)], axis=1)
    dy = 3.0 * np.stack([0 * x, 0.9 * np.cos(y), -1.4 * np.sin(y)], axis=1)
    curvature = 0.5 * np.einsum("kd,kd->k", d, np.cross(dx, dy)) / np.linalg.norm(d, axis=1) ** 3
    sigma = curvature.mean() / 27.0 * conductivity_unit(3)[0]  # e^2/hbar times the integral over (2 pi)^3
    assert abs(sigma) == pytest.approx(781.15, abs=0.01)
    assert found.sigma[0, 0, 0, 1] * conductivity_unit(3)[0] == pytest.approx(-sigma, rel=1e-9)


def edited(path, change):
    lines = path.read_text().split("\n")
    path.write_text("\n".join(change(lines)))


def test_every_element_comes_once(tmp_path, model):
    path = tmp_path / "x_hr.dat"

    def refused(change, words):
        write_hr(path, model)
        edited(path, change)
        with pytest.raises(InputError, match=words) as caught:
            read_wannier90(path, cell=model.cell)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)

    row = 4 + 9 * 13 + 4  # R = 0, element (2, 2)
    refused(lambda x: x[:row] + x[row + 1 :], r"element \(2, 2\) at R = \[0, 0, 0\] is missing \(1 in all\)")
    refused(lambda x: [*x[:row], x[row - 1], *x[row + 1 :]], r"element \(1, 2\) at R = \[0, 0, 0\] is given 2 times")
    refused(lambda x: [*x[:row], x[row].replace("2    2 ", "2    4 "), *x[row + 1 :]], r"\(2, 4\) at R = \[0, 0, 0\]")
    refused(lambda x: [*x[:row], x[row].replace("2    2 ", "2    0 "), *x[row + 1 :]], "3 Wannier functions")
    refused(lambda x: [*x[:row], x[row].replace("2    2 ", "2  1.5 "), *x[row + 1 :]], "1.5 stands where")
    refused(lambda x: x[:13] + x[4:13] + x[22:], r"R = \[-1, -1, -1\] is listed 2 times")
    refused(lambda x: [*x[:2], "28", x[3] + " 1", *x[4:13], *x[4:]], r"R = \[-1, -1, -1\] is listed 2 times")
    refused(lambda x: [*x[:2], "26", x[3], *x[4:]], "27 lattice vectors, its header announces 26")
    refused(lambda x: [*x[:2], "28", x[3] + " 1", *x[4:]], "27 lattice vectors, its header announces 28")
    refused(lambda x: [*x[:-1], "1 2 3", ""], "numbers expected")


def test_every_element_of_both_blocks_of_tb_comes_once(tmp_path, model):
    path = tmp_path / "x_tb.dat"

    def refused(change, words):
        write_tb(path, model, [1] * 27)
        edited(path, change)
        with pytest.raises(InputError, match=words) as caught:
            read_wannier90(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)

    first, second = 9, 9 + 11 * 27  # the first rows of H and r
    refused(lambda x: x[:first] + x[first + 1 :], r"element \(1, 1\) at R = \[-1, -1, -1\] is missing")
    refused(lambda x: x[:second] + x[second + 1 :], r"\(1, 1\) of the position matrix at R = \[-1, -1, -1\] is missing")
    refused(lambda x: [*x[: first + 1], x[first], *x[first + 2 :]], r"element \(1, 1\) at .* is given 2 times")
    refused(lambda x: [*x[: second + 1], x[second], *x[second + 2 :]], r"\(1, 1\) of the position .* given 2 times")
    refused(lambda x: [*x[: second - 1], "5 5 5", *x[second:]], r"position matrix lacks R = \[-1, -1, -1\]")
    refused(lambda x: [*x[: second - 1], x[second + 10], *x[second:]], r"R = \[-1, -1, 0\] of the position matrix is")
    refused(lambda x: [*x[:-1], "0.5", ""], "neither R")
    refused(lambda x: [*x[:-1], "7 7 7 ", "1 1 0. 0. 0. 0. 0. 0.", ""], "28 lattice vectors of the position matrix")


def test_h_alone_in_tb_is_read_and_said(tmp_path, model):
    write_tb(tmp_path / "x_tb.dat", model, [1] * 27, positions=False)
    with pytest.warns(SidejumpWarning, match="position matrix is missing"):
        found = read_wannier90(tmp_path / "x_tb.dat")
    assert_same(found, model, positions=False)
    assert found.residual_positions is None


def in_fortran(text, change):
    """`text` with every number after the head as `change` writes it."""
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if "e-" in line or "e+" in line)
    return "\n".join(lines[:start] + [" ".join(map(change, line.split(" "))) for line in lines[start:]])


@pytest.mark.parametrize("letter", ["D", "d", "E", "Q"])
def test_letters_of_exponents(tmp_path, model, letter):
    path = tmp_path / "x_tb.dat"
    write_tb(path, model, [1] * 27)
    path.write_text(in_fortran(path.read_text(), lambda word: word.replace("e", letter)))
    assert_same(read_wannier90(path), model)


def test_exponents_of_three_digits_have_no_letter(tmp_path, model):
    path = tmp_path / "x_tb.dat"
    write_tb(path, model, [1] * 27)
    tiny = full_positions(model)
    tiny[0, 0, 0, 1] = 1.2345678e-104 + 0.5j
    tiny[26, 0, 1, 0] = 1.2345678e-104 - 0.5j
    write_tb(path, model, [1] * 27, positions=tiny)
    text = path.read_text()
    assert text.count("e-104") == 2
    path.write_text(text.replace("1.2345678000000000e-104", "0.12345678-103"))
    found = position_elements(read_wannier90(path))
    assert found[0, 0, 0, 1] == tiny[0, 0, 0, 1]


def test_what_a_field_may_not_hold(tmp_path, model):
    path = tmp_path / "x_hr.dat"
    for wrong, words in (
        ("************", "did not fit"),
        ("-100.1234-200.1234", "two fields touch"),
        ("0.5-200.1", "two fields touch"),
        ("1_0", "is no number"),
        ("nan", "not finite"),
        ("0.5********", "did not fit"),
    ):
        write_hr(path, model, number="{:.6f}")
        edited(path, lambda x, wrong=wrong: [*x[:9], x[9].rpartition(" ")[0] + " " + wrong, *x[10:]])
        with pytest.raises(InputError, match=words) as caught:
            read_wannier90(path, cell=model.cell)
        assert str(path) in str(caught.value)


def test_only_fortran_s_own_exponents_lack_their_letter():
    assert floats(["0.12345678-103", "-1.5D+02", "2.d0", ".5+101"]).tolist() == [
        0.12345678e-103,
        -150.0,
        2.0,
        0.5e101,
    ]
    for touching in ("1-100", "0.5-20", "5-12", "0.5-1034"):
        with pytest.raises(ValueError, match="no number"):
            floats([touching])
    assert leading("2  Wannier functions, 3 of them") == ["2"] and leading("# 2") == []


def test_words_after_counts_and_rows(tmp_path, model):
    for name, writer, cell in (("x_hr.dat", write_hr, model.cell), ("x_tb.dat", write_tb, None)):
        path = tmp_path / name
        writer(path, model, degeneracy=[1] * 27)
        start = {"x_hr.dat": 1, "x_tb.dat": 4}[name]

        def comment(x, start=start):
            x[start] += "   number of Wannier functions (2 x 1.5)"
            x[start + 1] += "   ! nrpts"
            x[start + 2] += "  all 1"
            return [line + " ! of 2 bands" if i > start + 2 and i % 2 and line else line for i, line in enumerate(x)]

        edited(path, comment)
        found = read_wannier90(path, cell=cell)
        assert_same(found, model, positions=cell is None)


def test_degeneracies_are_padded_or_left_out(tmp_path, model):
    path = tmp_path / "x_hr.dat"
    write_hr(path, model)
    edited(path, lambda x: [*x[:3], *[" 1" * 15] * 2, *x[4:]])  # 15 a line, three more than belong there
    assert_same(read_wannier90(path, cell=model.cell), model, positions=False)
    write_hr(path, model)
    edited(path, lambda x: [*x[:3], *x[4:]])
    with pytest.warns(SidejumpWarning, match="no degeneracies"):
        assert_same(read_wannier90(path, cell=model.cell), model, positions=False)
    write_hr(path, model)
    edited(path, lambda x: [x[0], "3 27", *x[3:]])
    assert_same(read_wannier90(path, cell=model.cell), model, positions=False)


@pytest.mark.parametrize("number", ["{:12.6f}", "{:.10e}", "{:16.8f}"])
def test_a_file_without_its_last_line_end(tmp_path, model, number):
    path = tmp_path / "x_hr.dat"
    write_hr(path, model, number=number)
    expected = read_wannier90(path, cell=model.cell)
    text = path.read_text().rstrip("\n")
    path.write_text(text)
    np.testing.assert_array_equal(read_wannier90(path, cell=model.cell).hoppings, expected.hoppings)
    path.write_text(text[:-1])
    with pytest.raises(InputError, match="truncated in its last line"):
        read_wannier90(path, cell=model.cell)


def test_a_last_line_that_cannot_tell_is_read_with_a_word(tmp_path, model):
    path = tmp_path / "x_hr.dat"
    write_hr(path, model, number="{}")
    path.write_text(path.read_text().rstrip("\n"))
    with pytest.warns(SidejumpWarning, match="may be cut"):
        assert_same(read_wannier90(path, cell=model.cell), model, positions=False)


def test_last_numbers():
    for text, whole in (
        ("1 0.5\n", True),
        ("(0.5,0.5)", True),
        (" 1  0.50\n 1 -0.50\n 2  0.25", True),
        (" 1  0.50\n 1 -0.50\n 2  0.2", False),
        ("1 0.50\n1 -0.50\n2 10.2", False),
        ("1 0.50\n1 -0.50\n2 10", False),
        ("1 5.0e-01\n1 -5.0e-01\n2 5.0e-0", False),
        ("1 0.5\n1 0.25\n2 0.125", None),
        ("1 0.0\n1 0.0\n2 0.125", None),
        ("1 5\n2 15\n3 2", None),
        ("1 5\n2 7\n3 2", None),
        (" 1  5\n 2 17\n 3 12", True),
        (" 1  5\n 2 17\n 3 1", False),
        ("0.5", None),
    ):
        assert last_is_whole(text) is whole, text


CUBE = "3.0 0.0 0.0\n0.0 3.0 0.0\n0.0 0.0 3.0\n"


@pytest.mark.parametrize(
    "text",
    [
        f"begin unit_cell_cart\n{CUBE}end unit_cell_cart",
        f"begin unit_cell_cart\nang\n{CUBE}end_unit_cell_cart\n",
        f"BEGIN  Unit_Cell_Cart\nAngstrom\n{CUBE}END\tUNIT_CELL_CART\n",
        f"begin_unit_cell_cart ! {{\n\n{CUBE}end unit_cell_cart # }}\n",
        f"begin unit_cell_cart\n{CUBE.replace('3.0', '3.0d0')}end unit_cell_cart\n",
        f"begin unit_cell_cart\n{CUBE.replace(' ', ', ')}end unit_cell_cart\n",
        f"begin unit_cell_cart\nbohr\n{CUBE.replace('3.0', f'{3 / BOHR:.12f}')}end unit_cell_cart\n",
        f"begin unit_cell_cart\r\n{CUBE}end unit_cell_cart\r\n".replace("\n", "\r\n").replace("\r\r", "\r"),
        f"begin unit_cell_cart\n{CUBE.replace(chr(10), ' a vector' + chr(10))}end unit_cell_cart\n",
    ],
)
def test_dialects_of_the_cell(tmp_path, text):
    for content in (text.encode(), b"! \xe9\xe8\n" + text.encode(), text.encode("utf-16")):
        (tmp_path / "x.win").write_bytes(content)
        np.testing.assert_allclose(read_win(tmp_path / "x.win").cell, 3 * np.eye(3), atol=1e-10)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("num_wann = 3\n", "no block unit_cell_cart"),
        (f"begin unit_cell_cart\n{CUBE}", "begin once and end once"),
        (f"begin unit_cell_cart\n{CUBE}end unit_cell_cart\n" * 2, "begin once and end once"),
        (f"begin unit_cell_cart\n{CUBE}1.0 2.0 3.0\nend unit_cell_cart\n", "three lattice vectors"),
        (f"begin unit_cell_cart\n{CUBE.replace('3.0', '3.0 0.0', 1)}end unit_cell_cart\n", "three lattice vectors"),
        (f"begin unit_cell_cart\n{CUBE.replace('3.0', '***', 1)}end unit_cell_cart\n", "did not fit"),
        (f"begin unit_cell_cart\nnm\n{CUBE}end unit_cell_cart\n", 'in "nm"; use ang or bohr'),
        ("begin unit_cell_cart\n1 0 0\nend unit_cell_cart\n", "three lattice vectors"),
        (f"begin unit_cell_cart\n{CUBE.replace('3.0', 'nan', 1)}end unit_cell_cart\n", "not finite"),
    ],
)
def test_cells_that_are_none(tmp_path, model, text, words):
    write_hr(tmp_path / "x_hr.dat", model)
    (tmp_path / "x.win").write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_wannier90(tmp_path / "x_hr.dat")
    assert "x.win" in str(caught.value)


def test_keywords_of_win(tmp_path):
    path = tmp_path / "x.win"
    path.write_text(
        "Num_Wann : 4 ! four\nMP_GRID = 4, 4 ,2\nuse_ws_distance=F\nbegin atoms_cart\nbohr\nFe 0.0, 1.0d0 2.0 moved\n"
        "end_atoms_cart\nbegin projections\nFe : s, p ! both\nend projections"
    )
    win = read_win(path)
    assert (win.n_functions, win.mesh, win.use_ws_distance) == (4, (4, 4, 2), False)
    assert win.atoms == [("Fe", "c", (0.0, pytest.approx(BOHR), pytest.approx(2 * BOHR)))]
    assert [len(e.rows) for e in parse_projections(win.projections)] == [4]
    path.write_text("mp_grid 4 4\n")
    with pytest.raises(InputError, match="mp_grid"):
        read_win(path).mesh  # noqa: B018
    path.write_text("num_wann = 3\nnum_wann = 4\n")
    with pytest.raises(InputError, match="num_wann twice"):
        read_win(path).n_functions  # noqa: B018


def test_orbitals_separated_by_commas_and_sites_in_bohr():
    for one, other in (("Fe:dxy,dxz,dyz", "Fe:dxy;dxz;dyz"), ("Fe:s,p", "Fe:s;p"), ("Fe:l=1,mr=1,2;s", "Fe:pz;px;s")):
        np.testing.assert_array_equal(parse_projections(one)[0].rows, parse_projections(other)[0].rows)
    (entry,) = parse_projections("bohr\nc=1.0d0,0,2:s")
    assert entry.site == ("c", pytest.approx(BOHR), 0.0, pytest.approx(2 * BOHR))
    assert parse_projections("ang\nc=1,0,2:s")[0].site == ("c", 1.0, 0.0, 2.0)


def test_what_win_tells_again_is_compared(tmp_path, model):
    write_tb(tmp_path / "x_tb.dat", model, [1] * 27)
    write_win(tmp_path / "x.win", model.cell, "num_wann = 3")
    assert_same(read_wannier90(tmp_path / "x_tb.dat"), model)
    for cell, count, words in ((model.cell, 4, "num_wann = 4"), (1.01 * model.cell, 3, "lattice vectors differ")):
        write_win(tmp_path / "x.win", cell, f"num_wann = {count}")
        with pytest.raises(InputError, match=words):
            read_wannier90(tmp_path / "x_tb.dat")
        assert_same(read_wannier90(tmp_path / "x_tb.dat", trust_file=True), model)


def test_indices_of_wsvec(tmp_path, model):
    write_tb(tmp_path / "x_tb.dat", model, [1] * 27)
    path = tmp_path / "x_wsvec.dat"
    write_wsvec(path, model)
    assert_same(read_wannier90(tmp_path / "x_tb.dat"), model)

    def refused(change, words):
        write_wsvec(path, model)
        edited(path, change)
        with pytest.raises(InputError, match=words) as caught:
            read_wannier90(tmp_path / "x_tb.dat")
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)

    refused(lambda x: [x[0], "-1 -1 -1 -2 1", *x[2:]], r"element \(-2, 1\) at R = \[-1, -1, -1\]")
    refused(lambda x: [x[0], "-1 -1 -1 1 0", *x[2:]], r"element \(1, 0\)")
    refused(lambda x: [x[0], "-1 -1 -1 4 1", *x[2:]], r"element \(4, 1\)")
    refused(lambda x: [x[0], x[1], "0", *x[3:]], r"0 translations of element \(1, 1\)")
    refused(lambda x: [x[0], x[1], "-1", *x[3:]], "-1 translations")
    refused(lambda x: [x[0], "-1 -1 -1 1 2", *x[2:]], r"does not list element \(1, 1\)")
    refused(lambda x: [*x[:4], *x[1:]], r"lists twice element \(1, 1\)")
    refused(lambda x: [x[0], x[1], "2", x[3], x[3], *x[4:]], "translation of an element twice")
    refused(lambda x: [x[0], "-9 -1 -1 1 1", *x[2:]], r"R = \[-9, -1, -1\] is not in the Hamiltonian")
    refused(lambda x: x[:-4], "truncated|does not list")
    refused(lambda x: [x[0]], "no element")
    refused(lambda x: [*x[:3], "0 0 1", *x[4:]], r"H\(R\) differs|and not the opposite")


def test_a_broken_link_to_wsvec_is_not_an_absent_one(tmp_path, model):
    write_tb(tmp_path / "x_tb.dat", model, [1] * 27)
    for name in ("x_wsvec.dat", "x_wsvec.dat.gz"):
        (tmp_path / name).symlink_to(tmp_path / "gone")
        with pytest.raises(InputError, match=f"{name}: is a broken link"):
            read_wannier90(tmp_path / "x_tb.dat")
        (tmp_path / name).unlink()
    write_hr(tmp_path / "x_hr.dat", model)
    (tmp_path / "x.win").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=r"x\.win: is a broken link"):
        read_wannier90(tmp_path / "x_hr.dat")


def test_degeneracies_that_want_a_wsvec(tmp_path, model, recwarn):
    degeneracy = [2, *[1] * 25, 2]
    for name, writer in (("x_tb.dat", write_tb), ("x_hr.dat", write_hr)):
        writer(tmp_path / name, model, degeneracy=degeneracy)
        write_win(tmp_path / "x.win", model.cell)
        with pytest.warns(SidejumpWarning, match=r"degeneracies above 1 and no x_wsvec\.dat"):
            assert len(read_wannier90(tmp_path / name).warnings) == 1
        write_win(tmp_path / "x.win", model.cell, "use_ws_distance = .true.")
        with pytest.warns(SidejumpWarning, match=r"degeneracies above 1 and no x_wsvec\.dat"):
            read_wannier90(tmp_path / name)
        recwarn.clear()
        read_wannier90(tmp_path / name, wsvec=False)
        write_win(tmp_path / "x.win", model.cell, "use_ws_distance = .false.")
        read_wannier90(tmp_path / name)
        (tmp_path / "x.win").unlink()
        write_wsvec(tmp_path / "x_wsvec.dat", model)
        read_wannier90(tmp_path / name, cell=model.cell)
        (tmp_path / "x_wsvec.dat").unlink()
        writer(tmp_path / name, model, degeneracy=[1] * 27)
        read_wannier90(tmp_path / name, cell=model.cell)
        assert not recwarn.list


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("abc", "three lattice vectors"),
        ([[3.0, 0, 0], [0, 3.0, 0]], "three lattice vectors"),
        ([[3.0, 0, 0], [0, np.nan, 0], [0, 0, 3.0]], "finite"),
        ([[1.0, 0, 0], [1.0, 0, 0], [0, 0, 1.0]], "no volume"),
        ([[4.0, 0, 0], [0, 3.0, 0], [0, 0, 3.0]], "differs from the lattice vectors of x.win by 1 angstrom"),
    ],
)
def test_a_given_cell_is_judged(tmp_path, cell, words):
    (tmp_path / "x_hr.dat").write_text("one band\n 1\n 1\n 1\n 0 0 0 1 1 0.5 0.0\n")
    (tmp_path / "x.win").write_text("begin unit_cell_cart\n3 0 0\n0 3 0\n0 0 3\nend unit_cell_cart\n")
    with pytest.raises(InputError, match=words):
        read_wannier90(tmp_path / "x_hr.dat", cell=cell)
    assert read_wannier90(tmp_path / "x_hr.dat", cell=3.0 * np.eye(3)).n_orbitals == 1
    (tmp_path / "x.win").write_text("num_wann = two\nbegin unit_cell_cart\n3 0 0\n0 3 0\n0 0 3\nend unit_cell_cart\n")
    with pytest.raises(InputError, match="num_wann = two"):
        read_wannier90(tmp_path / "x_hr.dat")
