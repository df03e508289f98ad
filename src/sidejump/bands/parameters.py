"""Parameters of each k.p model and their rules, for input files and for Python."""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from ..rules import Number, Positive, Section, Vector2, Vector3


class MassiveDiracParameters(Section):
    mass: Number = Field(description="Delta, half the gap, eV.", examples=[0.1])
    velocity: Positive = Field(description="hbar v, eV angstrom.", examples=[3.0])
    tilt: Vector2 = Field((0.0, 0.0), description="Tilt t, eV angstrom; shorter than velocity.")

    @model_validator(mode="after")
    def _closed(self):
        if math.hypot(*self.tilt) >= self.velocity:
            raise ValueError(f"tilt = {self.tilt} is not below velocity = {self.velocity}: the contours would be open")
        return self


class RashbaParameters(Section):
    effective_mass: Positive = Field(description="m, electron masses.", examples=[0.6])
    rashba: Number = Field(description="alpha, eV angstrom.", examples=[1.0])
    exchange: Number = Field(description="M, half the splitting at k = 0, eV.", examples=[0.05])


class WeylParameters(Section):
    velocity: Positive = Field(description="hbar v in the plane, eV angstrom.", examples=[2.0])
    node: Positive = Field(description="Distance of the nodes from k = 0 along z, 1/angstrom.", examples=[0.1])
    axial_velocity: Positive | None = Field(
        None, description="hbar v along z at the nodes, eV angstrom; or velocity.", examples=[2.0]
    )
    tilt: Vector3 = Field((0.0, 0.0, 0.0), description="Tilt t, eV angstrom, the same at both nodes.")


class LuttingerParameters(Section):
    gamma1: Number = Field(
        description="Luttinger parameter; positive: bands open upwards (hole energies).", examples=[6.98]
    )
    gamma2: Number = Field(description="Luttinger parameter.", examples=[2.06])
    gamma3: Number = Field(description="Luttinger parameter.", examples=[2.93])
    exchange: Vector3 = Field((0.0, 0.0, 0.0), description="h in h.J, eV.", examples=[[0.0, 0.0, 0.02]])

    @model_validator(mode="after")
    def _closed(self):
        if not abs(self.gamma1) > 2 * max(abs(self.gamma2), abs(self.gamma3)):
            raise ValueError(
                f"gamma1 = {self.gamma1} must exceed twice gamma2 = {self.gamma2} and gamma3 = {self.gamma3} in size: "
                "the isoenergy surfaces would be open"
            )
        return self
