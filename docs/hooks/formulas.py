"""TeX becomes MathML when the site is built: pages show formulas without any script or network."""

import html
import re
import unicodedata

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\s*\\[(\[](.*?)\\[)\]]\s*</\1>', re.DOTALL)
_BOLD = re.compile(r'<(m[in]) mathvariant="bold(-italic)?">([^<]+)</\1>')


def on_page_content(page_html: str, **_) -> str:
    """Called by MkDocs with the HTML of each page."""
    return _FORMULA.sub(_mathml, page_html)


def _mathml(match: re.Match) -> str:
    kind, tex = match.groups()
    tex = html.unescape(tex).strip().replace("{aligned}", "{align*}")  # the same, by the name the converter knows
    mathml = _BOLD.sub(_bold, convert(tex, display="block" if kind == "div" else "inline"))
    unknown = re.findall(r">\s*(\\[A-Za-z]+)", mathml)
    if unknown:
        raise ValueError(f"a formula uses {unknown[0]}, which has no MathML: {tex}")
    return f'<{kind} class="formula">{mathml}</{kind}>'


def _bold(match: re.Match) -> str:
    """Bold letters as characters of their own: browsers know no other way."""
    tag, italic, text = match.groups()
    shape = "MATHEMATICAL BOLD ITALIC" if italic else "MATHEMATICAL BOLD"
    letters = "".join(_letter(shape, character) for character in html.unescape(text))
    return f'<{tag} mathvariant="normal">{letters}</{tag}>'


def _letter(shape: str, character: str) -> str:
    name = unicodedata.name(character, "")
    name = name.removeprefix("LATIN ").removeprefix("GREEK ").replace("LETTER ", "")
    try:
        return unicodedata.lookup(f"{shape} {name}")
    except KeyError:
        return character
