"""The whole input file, and its sections about temperatures, solution and output."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ...accuracy.study import TOLERANCE
from ...rules import nearest
from ...transport import TransportSettings
from .base import Flag, Positive, Section, Text
from .electrons import ElectronsInput
from .observable import ObservableInput
from .scattering import ScatteringInput


class TemperatureInput(Section):
    """Temperatures of the run: a list, or a range. The order of a list is kept."""

    values: list[Positive] | None = Field(
        None,
        description="List of temperatures in `unit`, each once.",
        examples=[[5, 10, 20, 50, 100], [50, 100, 200, 300]],
    )
    minimum: Positive | None = Field(None, description="Lowest temperature of a range, in `unit`.", examples=[10])
    maximum: Positive | None = Field(None, description="Highest temperature of a range, in `unit`.", examples=[300])
    number: Annotated[int, Field(strict=True, ge=2, le=100_000)] | None = Field(
        None, description="How many temperatures in the range.", examples=[25]
    )
    spacing: Literal["linear", "log"] = Field("log", description="How the range is divided.")
    unit: Literal["K", "T_BG"] = Field(
        "K", description='"T_BG": 2 hbar c k_F / k_B, for acoustic phonons and one Fermi radius.'
    )

    @model_validator(mode="after")
    def _one_way(self):
        ranged = (self.minimum, self.maximum, self.number)
        if self.values is not None:
            if not self.values:
                raise ValueError("values is empty: give at least one temperature")
            if any(x is not None for x in ranged):
                raise ValueError("give either values, or minimum, maximum and number, not both")
            repeated = [t for i, t in enumerate(self.values) if t in self.values[:i]]
            if repeated:
                raise ValueError(f"values lists {repeated[0]:g} twice; give each temperature once")
        elif self.minimum is None or self.maximum is None or self.number is None:
            raise ValueError("give values, or minimum, maximum and number")
        elif self.maximum <= self.minimum:
            raise ValueError(f"maximum = {self.maximum:g} must exceed minimum = {self.minimum:g}")
        return self


class IntrinsicInput(Section):
    """The Berry-curvature integral."""

    tolerance: Positive = Field(5e-3, description="Relative error asked for.")
    mesh: Annotated[int, Field(strict=True, ge=2)] | None = Field(
        None, description="Crystals: a fixed uniform mesh instead of adaptive refinement.", examples=[50]
    )


_DEFAULT: Any = TransportSettings()


def _energy_nodes(value: Any):
    if value == "auto" or (type(value) is int and 1 <= value <= 25):
        return value
    raise ValueError(f'give a whole number from 1 to 25, or "auto"{nearest(value, ["auto"])}')


class ExpertInput(Section):
    """Choices that the program makes otherwise. Those of the points are where the ladder of levels begins."""

    accuracy: Positive = Field(
        _DEFAULT.accuracy, description="Divides every spacing of the first level: 2 halves them all."
    )
    geometry: Literal["auto", "own", "shared", "averaged", "independent"] = Field(
        _DEFAULT.geometry,
        description="A shell for each energy node, one for all, one averaged over the thermal window, or "
        "shells made afresh over the window (where saddle points or edges of bands lie in it).",
    )
    spacing: Positive | None = Field(
        _DEFAULT.spacing,
        description="Largest distance of shell points, 1/angstrom; from the model when not given.",
        examples=[0.1],
    )
    turn: Positive = Field(
        _DEFAULT.turn, description="Refine where states turn by more than this between points, radians."
    )
    levels: Annotated[int, Field(strict=True, ge=0, le=5)] = Field(
        _DEFAULT.levels, description="3D: how often a cell may be split."
    )


_MOVED = tuple(ExpertInput.model_fields)


class SolverInput(Section):
    """How accurately the kinetic equation is solved."""

    tolerance: Annotated[float, Field(strict=True, gt=0, lt=1)] = Field(
        TOLERANCE,
        description="Relative standard error wanted for conductivity and side jump at every temperature.",
    )
    time: Positive | None = Field(
        None, description="Seconds after which no further replica is begun; no limit when not given.", examples=[600]
    )
    memory: Positive = Field(_DEFAULT.memory / 1e9, description="Memory the run may use, GB.")
    executor: Literal["auto", "threads", "processes", "mpi", "dask", "serial"] = Field(
        "auto",
        description='What computes the replicas; the digits are the same. "auto": processes in long runs of the command'
        " line, if their replicas fit into `memory` side by side, else threads.",
    )
    workers: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        None, description="How many processes or workers; what there is when not given.", examples=[2]
    )
    energy_nodes: Annotated[int | str, BeforeValidator(_energy_nodes)] = Field(
        _DEFAULT.energy_nodes, description='1 = quasi-elastic; "auto" raises the number until the result stands still.'
    )
    degeneracy: Positive = Field(
        _DEFAULT.degeneracy, description="Bands closer than this (eV) are one group, with the mean rate of its members."
    )
    symmetry: Literal["auto", "off"] = Field(
        _DEFAULT.symmetry,
        description="3D crystals: irreducible points where model and scatterers are exactly symmetric.",
    )
    skew_scattering: Literal["off", "static", "quasistatic"] = Field(
        _DEFAULT.skew_scattering,
        description="Skew scattering of static scatterers, conventional and Gaussian; quasistatic: an estimate in "
        "which phonons of models count as static in the Gaussian part (above T_BG).",
    )
    approximation: Literal["exact", "serta", "mrta"] = Field(
        _DEFAULT.approximation, description="Relaxation times: to compare only."
    )
    intrinsic: IntrinsicInput = Field(
        default_factory=lambda: IntrinsicInput.model_validate({}), description="See `[solver.intrinsic]`."
    )
    expert: ExpertInput = Field(
        default_factory=lambda: ExpertInput.model_validate({}), description="See `[solver.expert]`."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_longer_here(cls, values: Any) -> Any:
        moved = [name for name in _MOVED if isinstance(values, dict) and name in values]
        if moved:
            raise ValueError(
                f"{moved[0]} is chosen by the program: leave it out and write tolerance = 0.01, the relative standard "
                f"error wanted; where the choice has to be yours it belongs into [solver.expert]"
            )
        return values


class OutputInput(Section):
    """Where results go; relative to the current directory."""

    file: Text | None = Field(
        None, description="netCDF file; the input's name with .nc when not given.", examples=["result.nc"]
    )
    figure: Text | None = Field(
        None, description="PNG, PDF or SVG file; the result's name with .png when not given.", examples=["result.png"]
    )
    checkpoint: Flag = Field(
        True, description="Keep finished replicas beside the result until it is written, to resume."
    )


class RunInput(Section):
    """A whole input file."""

    electrons: ElectronsInput
    scattering: list[ScatteringInput] = Field(min_length=1)
    temperature: TemperatureInput
    observable: list[ObservableInput] = Field(default_factory=list)
    solver: SolverInput = Field(default_factory=lambda: SolverInput.model_validate({}))
    output: OutputInput = Field(default_factory=lambda: OutputInput.model_validate({}))
