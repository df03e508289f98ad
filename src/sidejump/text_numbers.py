"""Numbers in text files, as Fortran and other languages write them: words to arrays, checked at one place."""

from __future__ import annotations

import re

import numpy as np

_PIECE = 1 << 22  # characters that are split at a time: words take several times the memory of their text
_NO_MARK = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([+-]\d+)")
_FORTRAN = str.maketrans("dDqQ", "eEeE")


def floats(words) -> np.ndarray:
    """Finite numbers from a list of words, such as ``1.5``, ``1.0D+00`` and ``0.12345678-103``.

    Raises
    ------
    ValueError
        If a word is no finite number.
    """
    try:
        values = np.array(words, dtype=float)
    except ValueError:
        values = np.array([_float(word) for word in words], dtype=float)
    _refuse_foreign(words)
    if not np.all(np.isfinite(values)):
        raise ValueError(f'"{words[int(np.argmin(np.isfinite(values)))]}" is not finite')
    return values


def integers(words) -> np.ndarray:
    """Whole numbers from a list of words.

    Raises
    ------
    ValueError
        If a word is none, or has more than 18 digits.
    """
    try:
        values = np.array(words, dtype=np.int64)
    except OverflowError:
        raise ValueError("a whole number with more than 18 digits") from None
    except ValueError:
        for word in words:
            _integer(word)
        raise
    _refuse_foreign(words)
    return values.reshape(-1)


def counts(words, names) -> list[int]:
    """Positive whole numbers, one for each of `names`.

    Raises
    ------
    ValueError
        If one is missing, no whole number, or not positive.
    """
    words, names = list(words), list(names)
    if len(words) < len(names):
        raise ValueError(f"{names[len(words)]} is missing")
    numbers = [_integer(word) for word in words[: len(names)]]
    for number, name in zip(numbers, names, strict=False):
        if number < 1:
            raise ValueError(f"{name} = {number}; it is at least 1")
    return numbers


def floats_of(text: str) -> np.ndarray:
    """All numbers of a text; brackets and commas count as blanks.

    Raises
    ------
    ValueError
        If a word is no finite number.
    """
    text = text.translate(_BRACKETS) if any(sign in text for sign in "(),") else text
    pieces, start = [], 0
    while start < len(text):
        end = min(start + _PIECE, len(text))
        while end < len(text) and not text[end].isspace():
            end += 1
        words = text[start:end].split()
        if words:
            pieces.append(floats(words))
        start = end
    return np.concatenate(pieces) if pieces else np.empty(0)


_BRACKETS = str.maketrans("(),", "   ")


def _float(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        if "*" in word:
            raise ValueError(
                f'"{word}" stands where a number did not fit into its field; write the file with wider ones'
            ) from None
        match = _NO_MARK.fullmatch(word)
        try:
            return float(f"{match[1]}e{match[2]}" if match else word.translate(_FORTRAN))
        except ValueError:
            raise ValueError(f'"{word[:40]}" is no number') from None


def _integer(word: str) -> int:
    try:
        number = int(word) if word.isascii() and "_" not in word else None
    except ValueError:
        number = None
    if number is None:
        raise ValueError(f'"{word[:40]}" is no whole number')
    if abs(number) > 10**18:
        raise ValueError(f'"{word[:40]}" has more than 18 digits')
    return number


def _refuse_foreign(words) -> None:
    """Python takes ``1_0`` and digits of other scripts for numbers; no program writes them."""
    joined = "".join(words)
    if not joined.isascii() or "_" in joined:
        wrong = next(word for word in words if not word.isascii() or "_" in word)
        raise ValueError(f'"{wrong[:40]}" is no number')
