"""How much an expression may be: long, deep and repeated only so far, whatever it would compute."""

from __future__ import annotations

import re

MOST_CHARACTERS = 2_000
MOST_DEPTH = 30
MACROS = ("all", "exists", "exists_one", "map", "filter")

_TEXT_OR_COMMENT = re.compile(
    r"""(?P<raw>\b(?:[rR][bB]?|[bB][rR]))?(?:
        \"\"\"(?(raw).*?|(?:\\.|[^\\])*?)\"\"\"
      | '''(?(raw).*?|(?:\\.|[^\\])*?)'''
      | "(?(raw)[^"\n]*|(?:\\.|[^"\\\n])*)"
      | '(?(raw)[^'\n]*|(?:\\.|[^'\\\n])*)'
    ) | //[^\n]*""",
    re.DOTALL | re.VERBOSE,
)
_MACRO = re.compile(rf"\.\s*(?:{'|'.join(MACROS)})\s*\(")


def too_much(text: str) -> str | None:
    """Return why an expression is refused for its size; None where it is small enough.

    >>> too_much("profile.trips_91d > 3.0")
    >>> too_much("(" * 31 + "true" + ")" * 31)
    'is nested more than 30 deep'
    >>> too_much("[[1]].all(x, x.all(y, y > 0))")
    'repeats more than once (all, exists, exists_one, map and filter: one of them, once)'
    """
    if len(text) > MOST_CHARACTERS:
        return f"has {len(text)} characters; at most {MOST_CHARACTERS} are allowed"
    code = without_texts(text)
    if _depth(code) > MOST_DEPTH:
        return f"is nested more than {MOST_DEPTH} deep"
    if len(_MACRO.findall(code)) > 1:
        listed = ", ".join(MACROS[:-1])
        return f"repeats more than once ({listed} and {MACROS[-1]}: one of them, once)"
    return None


def without_texts(text: str) -> str:
    r"""Return an expression with empty texts and without comments.

    >>> without_texts("request.channel == 'a.map(' // b.map(")
    "request.channel == '' "
    """
    return _TEXT_OR_COMMENT.sub(lambda found: "" if found[0].startswith("//") else "''", text)


def _depth(code: str) -> int:
    depth = deepest = 0
    for character in code:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest
