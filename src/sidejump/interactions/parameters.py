"""Parameters of each scatterer and their rules, for input files and for Python."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ..rules import Matrix, NotNegative, Number, Positive, Section, Vector3, Vertex

_MASS = "Mass density, kg/m^2 in 2D, kg/m^3 in 3D."


_VERTEX: Any = Field("identity", description='"identity", "sigma_x", "sigma_y", "sigma_z", or a Hermitian matrix.')


class AcousticParameters(Section):
    deformation_potential: Number = Field(description="D of the longitudinal branch, eV.", examples=[5.0])
    sound_velocity: Positive = Field(description="c of the longitudinal branch, m/s.", examples=[2000.0, 5000.0])
    mass_density: Positive = Field(description=_MASS, examples=[7.6e-7, 7874.0])
    transverse_deformation_potential: Number = Field(
        0.0, description="D of the transverse branches taken together, eV.", examples=[2.0]
    )
    transverse_sound_velocity: Positive | None = Field(
        None, description="c of the transverse branches, m/s.", examples=[1200.0, 3000.0]
    )
    vertex: Vertex = _VERTEX

    @model_validator(mode="after")
    def _whole_branches(self):
        if self.transverse_deformation_potential and self.transverse_sound_velocity is None:
            raise ValueError("transverse_sound_velocity is missing, needed for transverse_deformation_potential (m/s)")
        return self


class OpticalParameters(Section):
    deformation_potential: Number = Field(description="D, eV/angstrom.", examples=[3.0])
    phonon_energy: Positive = Field(description="E, eV.", examples=[0.03])
    mass_density: Positive = Field(description=_MASS, examples=[7.6e-7, 5320.0])
    vertex: Vertex = _VERTEX


class PolarParameters(Section):
    phonon_energy: Positive = Field(description="E, eV.", examples=[0.036])
    dielectric_infinity: Positive = Field(description="High-frequency dielectric constant.", examples=[10.9])
    dielectric_static: Positive = Field(description="Static dielectric constant.", examples=[12.9])
    thickness: Positive | None = Field(
        None, description="2D only, required there: thickness of the layer, nm.", examples=[1.0]
    )
    vertex: Vertex = _VERTEX

    @model_validator(mode="after")
    def _polar(self):
        if self.dielectric_static <= self.dielectric_infinity:
            raise ValueError(
                f"dielectric_static = {self.dielectric_static:g} must exceed dielectric_infinity = "
                f"{self.dielectric_infinity:g}"
            )
        return self


class MagnonParameters(Section):
    stiffness: Positive = Field(description="D of the magnons' energy gap + D q^2, eV angstrom^2.", examples=[0.28])
    exchange_splitting: Number = Field(
        description="By which the local spins part the electrons' spins, eV.", examples=[0.1, 1.0]
    )
    spin_density: Positive = Field(
        description="Spin of the magnet in hbar, S times the number of local spins, cm^-2 in 2D, cm^-3 in 3D.",
        examples=[1e15, 9.3e22],
    )
    gap: NotNegative = Field(0.0, description="Of the magnons, eV.", examples=[1e-4])
    spin_direction: Vector3 = Field(
        (0.0, 0.0, 1.0), description="Along which the local spins point, a vector of any length."
    )
    lowering: Matrix | None = Field(
        None,
        description="What acts where a magnon is absorbed, a matrix, in place of s^- of the model's spin.",
        examples=[[[0, 0], [1, 0]]],
    )

    @model_validator(mode="after")
    def _an_axis(self):
        if not any(self.spin_direction):
            raise ValueError("spin_direction is zero; give the direction of the local spins")
        if self.lowering is not None and "spin_direction" in self.model_fields_set:
            raise ValueError("spin_direction and lowering are both given; leave one of them out")
        return self


class TMatrixParameters(Section):
    strength: Number = Field(description="U, eV nm^2 in 2D, eV nm^3 in 3D.")
    energy: Number = Field(description="eV.")
    cutoff: Positive | None = Field(None, description="Largest |k| of a k.p model, 1/angstrom.")
    vertex: Vertex = _VERTEX


class ElectronPhononParameters(Section):
    images: Literal["hermitian", "file"] = Field(
        "hermitian", description="Supercell images of the coupling: exactly Hermitian, or as the writing code chose."
    )
    coupling_sum_rule: Annotated[bool, Field(strict=True)] = Field(
        False, description="Impose the acoustic sum rule on the coupling: a rigid shift does not scatter."
    )
    lowest_phonon_energy: NotNegative = Field(0.0, description="Phonons below (eV) are left out, as other codes do.")


_NEEDS = {
    "zero_range": {"strength"},
    "gaussian": {"strength", "correlation_length"},
    "screened_coulomb": {"charge", "dielectric_constant", "screening_length"},
}


class ImpurityParameters(Section):
    correlation: Literal["zero_range", "gaussian", "screened_coulomb"] = Field(
        description="Shape of the potential.", examples=["zero_range"]
    )
    density: Positive = Field(description="cm^-2 in 2D, cm^-3 in 3D.", examples=[1e11, 1e18])
    strength: Number | None = Field(
        None,
        description="eV nm^2 in 2D, eV nm^3 in 3D; zero_range and gaussian, required there.",
        examples=[1.0, 0.1],
    )
    correlation_length: Positive | None = Field(None, description="nm; gaussian, required there.", examples=[2.0])
    charge: Number = Field(1.0, description="Units of e, positive attracts electrons; screened_coulomb.")
    dielectric_constant: Positive | None = Field(
        None, description="Of the host; screened_coulomb, required there.", examples=[10.0]
    )
    screening_length: Positive | None = Field(None, description="nm; screened_coulomb, required there.", examples=[5.0])
    skewness: Number = Field(
        1.0,
        description="<U^3>/<U^2>^(3/2) times the sign of the strength or charge: 1 if all impurities are alike, 0 if "
        "as many attract as repel; for skew scattering.",
        examples=[0.0],
    )
    treatment: Literal["born", "t_matrix"] = Field(
        "born",
        description="Rates of the first order in the potential, or of all orders (zero_range): the T-matrix of one "
        "impurity in the bands of the model.",
        examples=["t_matrix"],
    )
    cutoff: Positive | None = Field(
        None,
        description='Largest wave vector of a k.p model in the Green function, 1/angstrom; treatment = "t_matrix", '
        "required there; crystals have none.",
        examples=[1.0],
    )
    vertex: Vertex = _VERTEX

    @model_validator(mode="after")
    def _of_all_orders(self):
        if self.treatment == "born":
            if self.cutoff is not None:
                raise ValueError('cutoff has no meaning for treatment = "born"; leave it out')
            return self
        if self.correlation != "zero_range":
            raise ValueError(f'treatment = "t_matrix" needs correlation = "zero_range", not "{self.correlation}"')
        if abs(self.skewness) > 1:
            raise ValueError(
                f'skewness = {self.skewness:g}: treatment = "t_matrix" takes impurities of +U and of -U, whose '
                "skewness is from -1 to 1"
            )
        return self

    @model_validator(mode="after")
    def _only_what_is_used(self):
        needed = _NEEDS[self.correlation]
        for name in sorted(set().union(*_NEEDS.values())):
            given = name in self.model_fields_set
            if given and name not in needed:
                raise ValueError(f'{name} has no meaning for correlation = "{self.correlation}"; leave it out')
            if name in needed and getattr(self, name) is None:
                meaning = str(type(self).model_fields[name].description).rstrip(".")
                raise ValueError(f'{name} is missing, needed for correlation = "{self.correlation}" ({meaning})')
        return self
