"""How objects show themselves in notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

_LONGEST = 200  # letters of a value


def card(title: str, values: Mapping) -> str:
    """A title and a table of names and values, HTML; text of either is shown as it is."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(str(name))}</th><td style='text-align:left'>{_shown(value)}</td></tr>"
        for name, value in values.items()
    )
    return f"<div><strong>{escape(title)}</strong><table>{rows}</table></div>"


def _shown(value) -> str:
    text = str(value)
    return escape(text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ...")
