"""Spin matrices of Wannier functions from SEEDNAME.spn and SEEDNAME.chk."""

import gzip

import numpy as np
import pytest

import sidejump as sj
from helpers_wannier90 import write_tb
from sidejump import PAULI, InputError
from sidejump.app.run import prepare
from sidejump.formats.wannier90 import load_wannier90
from sidejump.formats.wannier90_spin import read_checkpoint, read_spin_matrices, with_spin_matrices
from sidejump.wannier.images import mesh_cells

MESH, NK = (4, 4, 4), 64
CELL = np.array([[3.0, 0.1, 0.0], [0.2, 2.9, 0.3], [-0.1, 0.4, 3.2]])
RANGE = np.array([r for r in np.ndindex(3, 3, 3)]) - 1
HOME = 13
N = 4


def hermitian_series(rng, *shape, size=1.0):
    """X(R) with X(-R) = X(R)^+, short of range."""
    x = rng.normal(size=(27, *shape, N, N)) + 1j * rng.normal(size=(27, *shape, N, N))
    x *= size * np.exp(-2.0 * np.linalg.norm(RANGE, axis=1)).reshape(-1, *(1,) * (x.ndim - 1))
    return 0.5 * (x + x[::-1].conj().swapaxes(-1, -2))


def at(series, k):
    """``sum_R exp(ik.R) X(R)`` at crystal coordinates k (n, 3)."""
    return np.tensordot(np.exp(2j * np.pi * k @ RANGE.T), series, 1)


class Run:
    """Wannier functions that are spinors only roughly, of `extra` more bands than functions."""

    def __init__(self, extra=0, seed=0):
        rng = np.random.default_rng(seed)
        self.hoppings = hermitian_series(rng)
        spin = hermitian_series(rng, 3, size=0.05)
        spin[HOME] += 0.4 * np.stack([np.kron(np.eye(2), s) for s in PAULI])
        self.spin = spin
        self.k = (mesh_cells(MESH) / MESH)[rng.permutation(NK)]  # in any order
        bands = N + extra
        self.window = np.zeros((NK, bands), dtype=bool)
        self.u_opt = np.zeros((NK, bands, N), dtype=complex)
        self.u = np.zeros((NK, N, N), dtype=complex)
        self.sigma = np.zeros((NK, 3, bands, bands), dtype=complex)
        for i in range(NK):
            inside = np.arange(N) if not extra else np.sort(rng.choice(bands, N + i % (extra + 1), replace=False))
            self.window[i, inside] = True
            size = len(inside)
            x = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
            whole = np.linalg.qr(x)[0]
            y = rng.normal(size=(N, N)) + 1j * rng.normal(size=(N, N))
            self.u[i] = np.linalg.qr(y)[0]
            if extra:
                self.u_opt[i, :size] = whole[:, :N]
                functions = whole[:, :N] @ self.u[i]
            else:
                functions = self.u[i]
            block = functions @ at(self.spin, self.k[i : i + 1])[0] @ functions.conj().T
            self.sigma[i][:, inside[:, None], inside] = block
            assert np.abs(np.linalg.eigvalsh(self.sigma[i])).max() < 1

    def positions(self):
        r = np.zeros((27, 3, N, N), dtype=complex)
        r[HOME] = self.centres.T[:, :, None] * np.eye(N)
        return r

    centres = np.zeros((N, 3))

    def checkpoint(self, order="<", stage="postwann", shift=0.0) -> bytes:
        def record(content):
            size = np.array([len(content)], dtype=f"{order}i4").tobytes()
            return size + content + size

        def array(x, kind):
            return record(np.asarray(x).astype(order + kind).tobytes(order="F"))

        extra = self.window.shape[1] > N
        parts = [
            record(b"written by a test".ljust(33)),
            array(self.window.shape[1], "i4"),
            array(0, "i4"),
            record(b""),
            array(CELL, "f8"),
            array(2 * np.pi * np.linalg.inv(CELL).T, "f8"),
            array(NK, "i4"),
            array(MESH, "i4"),
            array(self.k.T, "f8"),
            array(8, "i4"),
            array(N, "i4"),
            record(stage.encode().ljust(20)),
            array(int(extra), "i4"),
        ]
        if extra:
            parts += [
                array(1.0, "f8"),
                array(self.window.T, "i4"),
                array(self.window.sum(axis=1), "i4"),
                array(self.u_opt.transpose(1, 2, 0), "c16"),
            ]
        parts += [array(self.u.transpose(1, 2, 0), "c16"), record(b"\0" * 16), array(self.centres.T + shift, "f8")]
        return b"".join([*parts, array(np.ones(N), "f8")])

    def spn(self, text=True, order="<") -> bytes:
        bands = self.sigma.shape[2]
        m, n = np.tril_indices(bands)
        values = self.sigma[:, :, n, m]  # (NK, 3, half): n <= m
        if text:
            lines = ["spins of a test", f"  {bands}  {NK}"]
            lines += [f"{x.real:26.16E}{x.imag:26.16E}" for each in values for pair in each.T for x in pair]
            return "\n".join(lines).encode()

        def record(content):
            size = np.array([len(content)], dtype=f"{order}i4").tobytes()
            return size + content + size

        parts = [record(b"spins of a test".ljust(60)), record(np.array([bands, NK], dtype=f"{order}i4").tobytes())]
        return b"".join(parts + [record(x.astype(f"{order}c16").tobytes(order="F")) for x in values])

    def write_functions(self, folder, n):
        """H and r of the first n functions."""
        h, r = self.hoppings[:, :n, :n], self.positions()[:, :, :n, :n]
        model = sj.LatticeModel(CELL, RANGE, h, r, np.zeros((n, 3)))
        write_tb(folder / "x_tb.dat", model, [1] * 27)

    def write(self, folder, **options):
        self.write_functions(folder, N)
        (folder / "x.chk").write_bytes(self.checkpoint())
        (folder / "x.spn").write_bytes(self.spn(**options))
        return folder


@pytest.mark.parametrize("extra", [0, 2])
@pytest.mark.parametrize("text", [True, False])
def test_the_operator_is_that_of_the_functions(tmp_path, extra, text):
    run = Run(extra)
    run.write(tmp_path, text=text)
    model = load_wannier90(tmp_path / "x_tb.dat")
    found = with_spin_matrices(model, tmp_path / "x.spn", "x_tb.dat")
    k = np.random.default_rng(5).random((6, 3))
    expected = at(run.spin, k)
    np.testing.assert_allclose(found.spin_operator(k @ model.reciprocal_cell), expected, atol=1e-8)
    assert model.spin_operator(k) is None
    np.testing.assert_allclose(
        found.with_onsite(np.eye(N)).spin_operator(k @ model.reciprocal_cell), expected, atol=1e-8
    )
    component = sj.spin_current("yz").matrices(found, k @ model.reciprocal_cell)
    v = sj.velocity("y").matrices(found, k @ model.reciprocal_cell)
    np.testing.assert_allclose(component, 0.25 * (v @ expected[:, 2] + expected[:, 2] @ v), atol=1e-7)


def test_files_of_either_byte_order_and_packed(tmp_path):
    run = Run()
    (tmp_path / "big.chk").write_bytes(run.checkpoint(order=">"))
    with gzip.open(tmp_path / "little.chk.gz", "wb") as file:
        file.write(run.checkpoint())
    first, second = (read_checkpoint(tmp_path / name) for name in ("big.chk", "little.chk.gz"))
    np.testing.assert_array_equal(first.states, second.states)
    np.testing.assert_array_equal(first.cell, CELL)
    (tmp_path / "big.spn").write_bytes(run.spn(text=False, order=">"))
    np.testing.assert_allclose(read_spin_matrices(tmp_path / "big.spn"), run.sigma, rtol=0, atol=1e-14)


def question(folder, **electrons):
    return {
        "electrons": {"model": "wannier90", "file": str(folder / "x_tb.dat"), "fermi_energy": 0.0} | electrons,
        "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e20, "strength": 1e-2}],
        "temperature": {"values": [300]},
        "observable": [{"kind": "spin", "components": ["z"]}],
    }


def test_an_input_file_names_them(tmp_path):
    folder = Run().write(tmp_path)
    job = prepare(question(folder, spn=str(folder / "x.spn")))
    assert job.model.spin is None and job.model.spin_models is not None
    with pytest.raises(InputError, match="has no spin matrices; give spin_ordering"):
        prepare(question(folder))
    with pytest.raises(InputError, match="spn and symmetrize exclude each other"):
        prepare(question(folder, spn=str(folder / "x.spn"), symmetrize=True, projections="X:s"))


def broken(folder, name):
    run = Run()
    run.write(folder)
    chk, spn = folder / "x.chk", folder / "x.spn"
    if name == "missing":
        chk.unlink()
    elif name == "truncated":
        chk.write_bytes(chk.read_bytes()[:-200])
    elif name == "stage":
        chk.write_bytes(run.checkpoint(stage="postdis"))
    elif name == "centres":
        chk.write_bytes(run.checkpoint(shift=0.3))
    elif name == "bands":
        spn.write_bytes(Run(2).spn())
    elif name == "large":
        run.sigma *= 4
        spn.write_bytes(run.spn())
    elif name == "numbers":
        spn.write_bytes(run.spn()[:-40])
    elif name == "functions":
        run.write_functions(folder, 2)


WORDS = {
    "missing": "needs x.chk beside it",
    "truncated": "x.chk: .*Wannier90",
    "stage": 'ended at "postdis"',
    "centres": "centres are up to 0.3 angstrom from those",
    "bands": "6 bands at 64 k points, x.chk has 4",
    "large": "beyond 1; the file is damaged",
    "numbers": "x.spn: ",
    "functions": "has 4 Wannier functions, .* has 2",
}


@pytest.mark.parametrize("name", WORDS)
def test_what_does_not_fit_is_one_sentence(tmp_path, name):
    broken(tmp_path, name)
    model = load_wannier90(tmp_path / "x_tb.dat")
    with pytest.raises(InputError, match=WORDS[name]) as caught:
        with_spin_matrices(model, tmp_path / "x.spn", "x_tb.dat")
    assert "\n" not in str(caught.value)
