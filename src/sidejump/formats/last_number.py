"""Whether the last number of a text file is whole: one that was cut is still a number."""

from __future__ import annotations

import re

_FORM = re.compile(r"[+-]?\d*\.(\d*)(?:([eEdDqQ]?)[+-]?(\d+))?$")
_LINES = 200  # lines before the last that are looked at
_ALIKE = 5  # of these, the nearest with as many words


def last_is_whole(text: str) -> bool | None:
    """Whether the last number of `text` is whole.

    It is where the text ends in a blank, a line end or a bracket.  Otherwise the nearest lines with as many words tell:
    where all end in as many decimals, or in columns of whole numbers, a last one that is shorter was cut.

    Returns
    -------
    bool or None
        None where they do not tell.

    >>> last_is_whole("1 2.50\\n1 -2.50\\n1 12.50"), last_is_whole("1 2.50\\n1 -2.50\\n1 12.5")
    (True, False)
    """
    if not text or text[-1].isspace() or text[-1] == ")":
        return True
    *lines, last = text.rsplit("\n", _LINES)
    words = last.split()
    alike = [line for line in lines if len(line.split()) == len(words)][-_ALIKE:]
    if len(alike) < 2:
        return None
    forms, own = {_form(line.split()[-1]) for line in alike}, _form(words[-1])
    if len(forms) > 1:
        return None
    (form,) = forms
    if form is None:
        lengths = {len(line.rstrip()) for line in alike}
        columns = len(lengths) == 1 and all(line.startswith(" ") for line in (*alike, last))
        return len(last) in lengths if columns and len(last) <= max(lengths) else None
    if own == form:
        return True
    return False if own is None or all(x <= y for x, y in zip(own, form, strict=True)) else None


def _form(word: str):
    """Decimals, letters and digits of the exponent; None for what has no point."""
    found = _FORM.match(word)
    return None if found is None else (len(found.group(1)), len(found.group(2) or ""), len(found.group(3) or ""))
