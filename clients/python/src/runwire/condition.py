"""Conditions of what changes something."""

from __future__ import annotations


def conditions_of(if_match: str | None, if_none_match: str | None) -> dict[str, str]:
    """Headers."""
    given = {"if-match": if_match, "if-none-match": if_none_match}
    return {name: value for name, value in given.items() if value is not None}


def is_free(if_match: str | None, if_none_match: str | None) -> bool:
    """Twice is as good as once: the second would not be judged by what the first made."""
    return if_match is None and if_none_match is None
