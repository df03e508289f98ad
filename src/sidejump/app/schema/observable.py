"""`[[observable]]`: one class for each kind of those that are ready-made (:mod:`sidejump.bands.ready_made`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import Section

_COMPONENTS = "Components, each an observable; all when not given."
_CURRENTS = f'"yz": the flow along y of spin along z. {_COMPONENTS}'

Axis = Literal["x", "y", "z"]
Axes = Literal["xx", "xy", "xz", "yx", "yy", "yz", "zx", "zy", "zz"]


class ObservableSection(Section):
    @model_validator(mode="after")
    def _each_once(self):
        given = list(getattr(self, "components", None) or ())
        repeated = [c for i, c in enumerate(given) if c in given[:i]]
        if repeated:
            raise ValueError(f'components names "{repeated[0]}" twice; give each once')
        if getattr(self, "components", None) == ():
            raise ValueError("components is empty; name some, or leave it out for all")
        return self


class VelocityInput(ObservableSection):
    """Velocity, `hbar v` in eV angstrom: its response is the conductivity."""

    kind: Literal["velocity"]
    components: tuple[Axis, ...] | None = Field(None, description=_COMPONENTS, examples=[["y"]])


class SpinInput(ObservableSection):
    """Density of spin, `sigma/2` in hbar: the Edelstein effect."""

    kind: Literal["spin"]
    components: tuple[Axis, ...] | None = Field(None, description=_COMPONENTS, examples=[["y"]])


class SpinCurrentInput(ObservableSection):
    """Current of spin, `{v, sigma/2}/2` (conventional definition): the spin Hall conductivity."""

    kind: Literal["spin_current"]
    components: tuple[Axes, ...] | None = Field(None, description=_CURRENTS, examples=[["yz"]])


class TorqueInput(ObservableSection):
    """Torque of the exchange field on the spin of the electrons, eV."""

    kind: Literal["torque"]
    components: tuple[Axis, ...] | None = Field(None, description=_COMPONENTS, examples=[["x", "y"]])


class OrbitalMomentInput(ObservableSection):
    """Orbital angular momentum between the bands of the model, in hbar."""

    kind: Literal["orbital_moment"]
    components: tuple[Axis, ...] | None = Field(None, description=_COMPONENTS, examples=[["z"]])


class HeatCurrentInput(ObservableSection):
    """Heat current `(e - mu) v`: thermopower, Nernst and Peltier effect, thermal conductivity of the electrons."""

    kind: Literal["heat_current"]


OBSERVABLES: tuple[type[Section], ...] = (
    VelocityInput,
    SpinInput,
    SpinCurrentInput,
    TorqueInput,
    OrbitalMomentInput,
    HeatCurrentInput,
)

ObservableInput = Annotated[
    VelocityInput | SpinInput | SpinCurrentInput | TorqueInput | OrbitalMomentInput | HeatCurrentInput,
    Field(discriminator="kind"),
]
