"""`[electrons]`: one class for each model; a new model is a class here and a line in the registry of models."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from ...bands.parameters import LuttingerParameters, MassiveDiracParameters, RashbaParameters, WeylParameters
from .base import Flag, Levels, Mesh, Number, Section, SpinOrdering, Text, Vector3

_ZEEMAN = "Exchange field h added as h.sigma, eV; needs spin_ordering."
_BANDS = "SEEDNAME_tb.dat of the same Wannier functions, to take H and the position matrix from."
_SYMMETRIZE = "Give the Wannier functions the exact symmetry of the crystal and its magnetisation."
_PROJECTIONS = (
    "For symmetrize: projections of the Wannier90 run, entries separated by a newline or a bar; those of the "
    "SEEDNAME.win beside the file when not given."
)
_PROJECTIONS_SPIN = _PROJECTIONS.replace("For symmetrize:", "For symmetrize and spin_orbit:")
_EXCHANGE = (
    "Exchange field b added as b.sigma, eV: a number is along z. Data without spin become a spinor model, both "
    "channels alike or the second from its own file."
)
_SPIN_ORBIT = "lambda L.S on shells, one `[[electrons.spin_orbit]]` for each; needs projections."
_SPIN_ORBIT_TERMS = [{"atom": "Fe", "shell": "d", "strength": 0.06}]
_MAGNETISATION = "For symmetrize: direction of the magnetisation, zero without any; estimated when not given."
_LEVEL = "Chemical potential, eV, or a list of them."
_FERMI = "Fermi energy, eV, on the scale of the file, or a list of them."
_DENSITY = (
    "Electrons (negative: holes) added to the bands that are full up to the chemical potential given, that is one "
    "energy in the gap of a semiconductor; cm^-3 or, in 2D, cm^-2, or a list of them. The chemical potential of each "
    "temperature is the one that has them."
)
_LAYER = "Whether the crystal is a layer, its normal along the third lattice vector; what the files say when not given."
_PLANE = "Whether the crystal is a layer in the xy plane, vacuum along the third lattice vector: run in two dimensions."
_TRUST = (
    "Use files that contradict themselves: matrices that are not Hermitian (their Hermitian part), a spin_ordering or "
    "SEEDNAME.win that does not fit."
)
_TRUST_COUPLING = f"{_TRUST[:-1]}, a coupling or force constants that are not Hermitian, masses of no atom."
_LONG_RANGE = (
    '"bulk", "layer" (system_2d = "gaussian") or "none" (lpolar = .false.): what EPW took out of phonons and coupling. '
    "That of a crystal with the dimension at hand when not given, if the files hold Born charges."
)
_VERSION = (
    "Of the run, for the Gaussian of its long-range part: 5.3 to 5.5 (Quantum ESPRESSO 6.6 to 7.1), or later. Told by "
    "the files from 5.8 on; 5.5 when not given."
)
_PHONONS = (
    "phonopy_params.yaml, or what else phonopy reads force constants from: phonons in place of those of the files, of "
    'the same atoms in the same order and no polar crystal. Needs phonopy: pip install "sidejump[interop]".'
)
_SPIN_DEGENERACY = "Spins that each band stands for, 1 or 2: a factor of conductivities and densities."
_SPIN_DEGENERACY_DATA = (
    f"{_SPIN_DEGENERACY[:-1]}. 2 for data without spin when not given, unless a second channel, exchange or spin_orbit "
    "gives them one; 1 is one channel of a magnet."
)
_SPN = (
    "SEEDNAME.spn of pw2wannier90, with SEEDNAME.chk beside it: the spin of the Wannier functions as it is, for "
    "observables, magnons and spin vertices."
)
_SPIN = (
    "Order of up and down Wannier functions, compared with the data: gives the model its spin. Next to each other, "
    '"block" for all up first, or that of the program which made the spinors.'
)


class SpinOrbit(Section):
    """`lambda L.S` on the Wannier functions of one shell of one species."""

    atom: Text = Field(description="Species, as projections name it.", examples=["Fe"])
    shell: Literal["p", "d"] = Field(description='"p" or "d".', examples=["d"])
    strength: Number = Field(description="lambda, eV.", examples=[0.06])


class Electrons(Section):
    dimension: ClassVar[int] = 3
    carrier_density: Levels = Field(None, description=_DENSITY, examples=[[1e12, 3e12], [1e17, 1e18]])


class Symmetrizable(Electrons):
    """Wannier functions that can be given the exact symmetry of the crystal."""

    @model_validator(mode="after")
    def _symmetrize_first(self):
        given = self.model_dump()
        symmetrize, turned = given["symmetrize"], given.get("spin_orbit")
        if given["projections"] is not None and not (symmetrize or turned):
            raise ValueError(f"projections needs symmetrize = true{' or spin_orbit' if 'spin_orbit' in given else ''}")
        if given["magnetisation"] is not None and not symmetrize:
            raise ValueError("magnetisation needs symmetrize = true")
        return self


class ContinuumInput(Electrons):
    chemical_potential: Levels = Field(description=_LEVEL, examples=[0.2])


class MassiveDiracInput(ContinuumInput, MassiveDiracParameters):
    """Massive Dirac model in 2D, `v (kx sx + ky sy) + Delta sz + t.k`."""

    dimension: ClassVar[int] = 2
    model: Literal["massive_dirac"]


class RashbaFerromagnetInput(ContinuumInput, RashbaParameters):
    """Rashba ferromagnet in 2D, `hbar^2 k^2/2m + alpha (kx sy - ky sx) - M sz`."""

    dimension: ClassVar[int] = 2
    model: Literal["rashba_ferromagnet"]


class WeylInput(ContinuumInput, WeylParameters):
    """Two Weyl nodes in 3D on the z axis, time reversal broken."""

    model: Literal["weyl"]
    chemical_potential: Levels = Field(description=_LEVEL, examples=[0.05])


class LuttingerInput(ContinuumInput, LuttingerParameters):
    """Spin-3/2 bands at a band edge in 3D, in an exchange field."""

    model: Literal["luttinger"]
    chemical_potential: Levels = Field(description=_LEVEL, examples=[0.1])


class OwnInput(ContinuumInput):
    """Model that a Python file of your own makes."""

    dimension: ClassVar[int] = 2  # that of the file to start from
    model: Literal["own"]
    file: Text = Field(
        description="Python file, run when it is read, relative to the input file.", examples=["own_model.py"]
    )
    name: Text = Field("model", description="What the file calls its electron model.")


class Wannier90Input(Symmetrizable):
    """Crystal from a Wannier90 `_tb.dat` (or `_hr.dat`) file."""

    model: Literal["wannier90"]
    file: Text = Field(
        description="SEEDNAME_tb.dat or SEEDNAME_hr.dat, plain or .gz, relative to the input file.",
        examples=["Fe_tb.dat"],
    )
    wsvec: Text | Literal[False] | None = Field(
        None,
        description="SEEDNAME_wsvec.dat; looked for beside `file` when not given, false: there is none.",
        examples=["Fe_wsvec.dat"],
    )
    fermi_energy: Levels = Field(description=_FERMI, examples=[17.2745])
    cell: tuple[Vector3, Vector3, Vector3] | None = Field(
        None,
        description="Lattice vectors, angstrom: for `_hr.dat` without a SEEDNAME.win beside it.",
        examples=[[[2.87, 0.0, 0.0], [0.0, 2.87, 0.0], [0.0, 0.0, 2.87]]],
    )
    k_mesh: Mesh | None = Field(
        None, description="For symmetrize: coarse k mesh; inferred when not given.", examples=[[4, 4, 4]]
    )
    spin_ordering: SpinOrdering | None = Field(None, description=_SPIN, examples=["interleaved"])
    two_dimensional: Flag = Field(False, description=_PLANE, examples=[True])
    spn: Text | None = Field(None, description=_SPN, examples=["Fe.spn"])
    spin_degeneracy: Literal[1, 2] | None = Field(None, description=_SPIN_DEGENERACY, examples=[2])
    trust_file: Flag = Field(False, description=_TRUST, examples=[True])
    zeeman: Vector3 | None = Field(None, description=_ZEEMAN, examples=[[0.0, 0.0, 0.1]])
    symmetrize: Flag = Field(False, description=_SYMMETRIZE, examples=[True])
    projections: Text | None = Field(None, description=_PROJECTIONS, examples=["Fe:sp3d2;dxy;dxz;dyz"])
    magnetisation: Vector3 | None = Field(None, description=_MAGNETISATION, examples=[[0.0, 0.0, 1.0]])


class TbmodelsInput(ContinuumInput):
    """Lattice model of an HDF5 file of TBmodels, eV and angstrom; needs tbmodels: pip install "sidejump[interop]"."""

    model: Literal["tbmodels"]
    file: Text = Field(description="HDF5 file of a model, relative to the input file.", examples=["model.hdf5"])
    spin_ordering: SpinOrdering | None = Field(None, description=_SPIN, examples=["interleaved"])
    spin_degeneracy: Literal[1, 2] | None = Field(None, description=_SPIN_DEGENERACY, examples=[2])


class SislInput(ContinuumInput):
    """Lattice model of a file that sisl reads a Hamiltonian from; needs sisl: pip install "sidejump[interop]"."""

    model: Literal["sisl"]
    file: Text = Field(
        description="File of Siesta (NAME.TSHS, NAME.nc), or another that sisl reads, relative to the input file.",
        examples=["siesta.TSHS"],
    )
    spin_degeneracy: Literal[1, 2] | None = Field(None, description=_SPIN_DEGENERACY, examples=[2])


class FirstPrinciples(Symmetrizable):
    """Two spin channels, an exchange field and spin-orbit coupling for data without spin."""

    @model_validator(mode="after")
    def _own_spin(self):
        given = self.model_dump()
        keys = ("file_down", "directory_down", "exchange", "spin_orbit")
        made = [key for key in keys if given.get(key) not in (None, ())]
        for key in ("wannier90", "spin_ordering", "zeeman"):
            if made and given[key] is not None:
                hint = {
                    "wannier90": "the bands of two channels are those of their files",
                    "spin_ordering": "the order is (up, down)",
                    "zeeman": "use exchange",
                }[key]
                raise ValueError(f"{key} and {made[0]} exclude each other: {hint}; leave {key} out")
        if made and given["spin_degeneracy"] == 2:
            raise ValueError(f"spin_degeneracy = 2 and {made[0]} exclude each other: both spins are among the bands")
        return self


class EpwInput(FirstPrinciples):
    """Crystal, phonons and their coupling from the files of an EPW run."""

    model: Literal["epw"]
    directory: Text = Field(
        description="Holds crystal.fmt, epwdata.fmt, PREFIX.epmatwp, relative to the input file.", examples=["epw"]
    )
    directory_down: Text | None = Field(
        None, description="The same for the other spin channel of a collinear calculation.", examples=["epw_down"]
    )
    fermi_energy: Levels = Field(
        None, description="Fermi energy, eV, or a list of them; that of the files when not given.", examples=[17.2745]
    )
    k_mesh: Mesh | None = Field(
        None, description="Coarse k mesh; inferred from the files when not given.", examples=[[4, 4, 4]]
    )
    q_mesh: Mesh | None = Field(
        None, description="Coarse q mesh; inferred from the files when not given.", examples=[[4, 4, 4]]
    )
    use_ws: Flag | None = Field(
        None, description="Whether EPW ran with use_ws; inferred from the files where they tell.", examples=[False]
    )
    two_dimensional: Flag | None = Field(None, description=_LAYER, examples=[True])
    long_range: Literal["bulk", "layer", "none"] | None = Field(None, description=_LONG_RANGE, examples=["none"])
    epw_version: Text | Number | None = Field(None, description=_VERSION, examples=["5.7"])
    wannier90: Text | None = Field(None, description=_BANDS, examples=["Fe_tb.dat"])
    phonons: Text | None = Field(None, description=_PHONONS, examples=["phonopy_params.yaml"])
    spin_ordering: SpinOrdering | None = Field(None, description=_SPIN, examples=["interleaved"])
    spin_degeneracy: Literal[1, 2] | None = Field(None, description=_SPIN_DEGENERACY_DATA, examples=[2])
    trust_file: Flag = Field(False, description=_TRUST_COUPLING, examples=[True])
    zeeman: Vector3 | None = Field(None, description=_ZEEMAN, examples=[[0.0, 0.0, 0.1]])
    exchange: Number | Vector3 | None = Field(None, description=_EXCHANGE, examples=[1.0])
    spin_orbit: tuple[SpinOrbit, ...] | None = Field(None, description=_SPIN_ORBIT, examples=[_SPIN_ORBIT_TERMS])
    symmetrize: Flag = Field(False, description=_SYMMETRIZE, examples=[True])
    projections: Text | None = Field(None, description=_PROJECTIONS_SPIN, examples=["Fe:sp3d2;dxy;dxz;dyz"])
    magnetisation: Vector3 | None = Field(None, description=_MAGNETISATION, examples=[[0.0, 0.0, 1.0]])


class StoredInput(FirstPrinciples):
    """What files of one kind share that may or may not know their Fermi energy."""

    chemical_potential: Levels = Field(
        None, description="Chemical potential, eV, on the scale of the file, or a list of them.", examples=[6.0]
    )
    fermi_energy: Levels = Field(
        None, description="The same, by the name metals use; that of the file when neither is given.", examples=[6.0]
    )
    two_dimensional: Flag | None = Field(None, description=_LAYER, examples=[True])
    wannier90: Text | None = Field(None, description=_BANDS, examples=["Fe_tb.dat"])
    phonons: Text | None = Field(None, description=_PHONONS, examples=["phonopy_params.yaml"])
    spin_ordering: SpinOrdering | None = Field(None, description=_SPIN, examples=["interleaved"])
    spin_degeneracy: Literal[1, 2] | None = Field(None, description=_SPIN_DEGENERACY_DATA, examples=[2])
    trust_file: Flag = Field(False, description=_TRUST_COUPLING, examples=[True])
    zeeman: Vector3 | None = Field(None, description=_ZEEMAN, examples=[[0.0, 0.0, 0.1]])
    exchange: Number | Vector3 | None = Field(None, description=_EXCHANGE, examples=[1.0])
    spin_orbit: tuple[SpinOrbit, ...] | None = Field(None, description=_SPIN_ORBIT, examples=[_SPIN_ORBIT_TERMS])
    symmetrize: Flag = Field(False, description=_SYMMETRIZE, examples=[True])
    projections: Text | None = Field(None, description=_PROJECTIONS_SPIN, examples=["Fe:sp3d2;dxy;dxz;dyz"])
    magnetisation: Vector3 | None = Field(None, description=_MAGNETISATION, examples=[[0.0, 0.0, 1.0]])

    @model_validator(mode="after")
    def _one_level(self):
        if self.chemical_potential is not None and self.fermi_energy is not None:
            raise ValueError("give one of chemical_potential and fermi_energy, not both")
        return self


class PerturboInput(StoredInput):
    """Crystal, phonons and their coupling from a Perturbo file."""

    model: Literal["perturbo"]
    file: Text = Field(description="PREFIX_epr.h5, relative to the input file.", examples=["gaas_epr.h5"])
    file_down: Text | None = Field(
        None, description="The same for the other spin channel of a collinear calculation.", examples=["down_epr.h5"]
    )


class CompactInput(StoredInput):
    """Crystal, phonons and their coupling from a file that `sidejump convert` wrote."""

    model: Literal["compact"]
    file: Text = Field(description="NAME.h5, relative to the input file.", examples=["iron.h5"])
    file_down: Text | None = Field(
        None, description="The same for the other spin channel of a collinear calculation.", examples=["iron_down.h5"]
    )


ELECTRONS: tuple[type[Electrons], ...] = (
    MassiveDiracInput,
    RashbaFerromagnetInput,
    WeylInput,
    LuttingerInput,
    OwnInput,
    Wannier90Input,
    TbmodelsInput,
    SislInput,
    EpwInput,
    PerturboInput,
    CompactInput,
)

ElectronsInput = Annotated[
    MassiveDiracInput
    | RashbaFerromagnetInput
    | WeylInput
    | LuttingerInput
    | OwnInput
    | Wannier90Input
    | TbmodelsInput
    | SislInput
    | EpwInput
    | PerturboInput
    | CompactInput,
    Field(discriminator="model"),
]
