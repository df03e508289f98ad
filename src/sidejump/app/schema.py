"""The input file as one schema: defaults, validation, the reference page and the template all come from it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Vertex = str | list[list[float]] | list[list[list[float]]]


class Section(BaseModel):
    """Unknown keys are errors everywhere."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Electrons(Section):
    chemical_potential: float = Field(description="Chemical potential, eV.")


class MassiveDiracInput(Electrons):
    """Massive Dirac model in 2D, `v (kx sx + ky sy) + Delta sz + t.k`."""

    model: Literal["massive_dirac"]
    mass: float = Field(description="Delta, half the gap, eV.")
    velocity: float = Field(gt=0, description="hbar v, eV angstrom.")
    tilt: tuple[float, float] = Field((0.0, 0.0), description="Tilt t, eV angstrom.")


class RashbaFerromagnetInput(Electrons):
    """Rashba ferromagnet in 2D, `hbar^2 k^2/2m + alpha (kx sy - ky sx) - M sz`."""

    model: Literal["rashba_ferromagnet"]
    effective_mass: float = Field(gt=0, description="Effective mass, electron masses.")
    rashba: float = Field(description="alpha, eV angstrom.")
    exchange: float = Field(description="M, eV.")


class WeylInput(Electrons):
    """Two Weyl nodes in 3D without time reversal."""

    model: Literal["weyl"]
    velocity: float = Field(gt=0, description="hbar v in the plane, eV angstrom.")
    node: float = Field(gt=0, description="Distance of the nodes from k = 0 along z, 1/angstrom.")
    axial_velocity: float | None = Field(None, gt=0, description="hbar v along z at the nodes, eV angstrom.")
    tilt: tuple[float, float, float] = Field((0.0, 0.0, 0.0), description="Tilt t, eV angstrom.")


class LuttingerInput(Electrons):
    """Spin-3/2 valence or conduction bands in 3D in an exchange field."""

    model: Literal["luttinger"]
    gamma1: float = Field(description="Luttinger parameter.")
    gamma2: float = Field(description="Luttinger parameter.")
    gamma3: float = Field(description="Luttinger parameter.")
    exchange: tuple[float, float, float] = Field((0.0, 0.0, 0.0), description="Exchange field along x, y, z, eV.")


class Wannier90Input(Section):
    """Crystal from a Wannier90 `_tb.dat` (or `_hr.dat`) file."""

    model: Literal["wannier90"]
    file: str = Field(description="SEEDNAME_tb.dat or SEEDNAME_hr.dat, plain or .gz, relative to the input file.")
    wsvec: str | None = Field(None, description="SEEDNAME_wsvec.dat; looked for beside `file` when not given.")
    fermi_energy: float = Field(description="Fermi energy, eV, on the scale of the file.")
    cell: list[list[float]] | None = Field(None, description="Lattice vectors, angstrom: for `_hr.dat` only.")
    spin_ordering: Literal["interleaved", "block"] | None = Field(
        None, description="Order of up and down Wannier functions: gives the model its spin."
    )
    zeeman: tuple[float, float, float] | None = Field(None, description="Exchange field h added as h.sigma, eV.")


ElectronsInput = Annotated[
    MassiveDiracInput | RashbaFerromagnetInput | WeylInput | LuttingerInput | Wannier90Input,
    Field(discriminator="model"),
]


class AcousticInput(Section):
    """Acoustic phonons, deformation potential, `omega = c q`."""

    kind: Literal["acoustic_deformation_potential"]
    deformation_potential: float = Field(description="D of the longitudinal branch, eV.")
    sound_velocity: float = Field(gt=0, description="c of the longitudinal branch, m/s.")
    mass_density: float = Field(gt=0, description="kg/m^2 in 2D, kg/m^3 in 3D.")
    transverse_deformation_potential: float = Field(0.0, description="D of the transverse branches together, eV.")
    transverse_sound_velocity: float | None = Field(None, gt=0, description="c of the transverse branches, m/s.")
    vertex: Vertex = Field("identity", description='"identity", "sigma_x|y|z", or a Hermitian matrix.')


class OpticalInput(Section):
    """Optical phonons of one energy, deformation potential."""

    kind: Literal["optical_deformation_potential"]
    deformation_potential: float = Field(description="D, eV/angstrom.")
    phonon_energy: float = Field(gt=0, description="eV.")
    mass_density: float = Field(gt=0, description="kg/m^2 in 2D, kg/m^3 in 3D.")
    vertex: Vertex = Field("identity", description="As above.")


class PolarInput(Section):
    """Polar optical phonons (Froehlich)."""

    kind: Literal["polar_optical"]
    phonon_energy: float = Field(gt=0, description="eV.")
    dielectric_infinity: float = Field(gt=0, description="High-frequency dielectric constant.")
    dielectric_static: float = Field(gt=0, description="Static dielectric constant.")
    thickness: float | None = Field(None, gt=0, description="2D only: thickness of the layer, nm.")
    vertex: Vertex = Field("identity", description="As above.")


class ImpurityInput(Section):
    """Static impurities."""

    kind: Literal["impurity"]
    correlation: Literal["zero_range", "gaussian", "screened_coulomb"] = Field(description="Shape of the potential.")
    density: float = Field(gt=0, description="cm^-2 in 2D, cm^-3 in 3D.")
    strength: float | None = Field(None, description="eV nm^2 in 2D, eV nm^3 in 3D (zero_range, gaussian).")
    correlation_length: float | None = Field(None, gt=0, description="nm (gaussian).")
    charge: float = Field(1.0, description="Units of e (screened_coulomb).")
    dielectric_constant: float | None = Field(None, gt=0, description="(screened_coulomb).")
    screening_length: float | None = Field(None, gt=0, description="nm (screened_coulomb).")
    vertex: Vertex = Field("identity", description="As above.")


ScatteringInput = Annotated[AcousticInput | OpticalInput | PolarInput | ImpurityInput, Field(discriminator="kind")]


class TemperatureInput(Section):
    """Temperatures of the run: a list, or a range."""

    values: list[Annotated[float, Field(gt=0)]] | None = Field(None, description="List of temperatures.")
    minimum: float | None = Field(None, gt=0, description="Lowest temperature of a range.")
    maximum: float | None = Field(None, gt=0, description="Highest temperature of a range.")
    number: int | None = Field(None, ge=2, description="How many temperatures in the range.")
    spacing: Literal["linear", "log"] = Field("log", description="How the range is divided.")
    unit: Literal["K", "T_BG"] = Field("K", description='"T_BG" (2 hbar c k_F / k_B): models with one Fermi radius.')

    @model_validator(mode="after")
    def _one_way(self):
        ranged = (self.minimum, self.maximum, self.number)
        if self.values is not None:
            if not self.values:
                raise ValueError("values is empty: give at least one temperature")
            if any(x is not None for x in ranged):
                raise ValueError("give either values, or minimum, maximum and number, not both")
        elif self.minimum is None or self.maximum is None or self.number is None:
            raise ValueError("give values, or minimum, maximum and number")
        elif self.maximum <= self.minimum:
            raise ValueError("maximum must exceed minimum")
        return self


class IntrinsicInput(Section):
    """The Berry-curvature integral."""

    tolerance: float = Field(5e-3, gt=0, description="Relative error asked for.")
    mesh: int | None = Field(None, ge=2, description="Fixed uniform mesh instead of adaptive refinement.")


class SolverInput(Section):
    """How accurately the kinetic equation is solved."""

    energy_nodes: Annotated[int, Field(ge=1, le=25)] | Literal["auto"] = Field(
        "auto", description='1 = quasi-elastic; "auto" raises the number until the result stands still.'
    )
    tolerance: float = Field(1e-3, gt=0, description="Relative change accepted.")
    geometry: Literal["auto", "own", "shared"] = Field("auto", description="One shell for each node, or one for all.")
    spacing: float | None = Field(None, gt=0, description="Largest distance of shell points, 1/angstrom.")
    turn: float = Field(0.7, gt=0, description="Refine where states turn by more than this between points, radians.")
    levels: int = Field(2, ge=0, le=5, description="3D: how often a cell may be split.")
    memory: float = Field(6.0, gt=0, description="Memory the run may use, GB.")
    approximation: Literal["exact", "serta", "mrta"] = Field("exact", description="Relaxation times: to compare only.")
    intrinsic: IntrinsicInput = Field(
        default_factory=lambda: IntrinsicInput.model_validate({}), description="See `[solver.intrinsic]`."
    )


class OutputInput(Section):
    """Where results go; relative to the current directory."""

    file: str | None = Field(None, description="netCDF file; the input's name with .nc by default.")
    figure: str | None = Field(None, description="PNG file; the result's name with .png by default.")


class RunInput(Section):
    """A whole input file."""

    electrons: ElectronsInput
    scattering: list[ScatteringInput] = Field(min_length=1)
    temperature: TemperatureInput
    solver: SolverInput = Field(default_factory=lambda: SolverInput.model_validate({}))
    output: OutputInput = Field(default_factory=lambda: OutputInput.model_validate({}))
