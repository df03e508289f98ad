"""TeX becomes MathML when the site is built: pages show formulas without any script or network."""

import html
import re

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\s*\\[(\[](.*?)\\[)\]]\s*</\1>', re.DOTALL)


def on_page_content(page_html: str, **_) -> str:
    """Called by MkDocs with the HTML of each page."""
    return _FORMULA.sub(_mathml, page_html)


def _mathml(match: re.Match) -> str:
    kind, tex = match.groups()
    mathml = convert(html.unescape(tex).strip(), display="block" if kind == "div" else "inline")
    unknown = re.findall(r">\s*(\\[A-Za-z]+)", mathml)
    if unknown:
        raise ValueError(f"a formula uses {unknown[0]}, which has no MathML: {tex.strip()}")
    return f'<{kind} class="formula">{mathml}</{kind}>'
