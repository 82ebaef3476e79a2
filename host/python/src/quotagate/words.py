"""Verdicts in plain words: one line that says which quota, how much is missing, and the smallest limit that would do."""

from __future__ import annotations

import shlex

from .types import Finding, Verdict

_UNITS = ((1 << 50, "PiB"), (1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def sentence(finding: Finding) -> str:
    """One finding in words."""
    if finding.quota is None:
        return finding.detail or finding.reason.replace("-", " ")
    parts = [finding.quota + (f" in {finding.region}" if finding.region else "")]
    if finding.scope:
        parts.append(f"({finding.scope}{' ' + finding.owner if finding.owner else ''})")
    numbers = []
    if finding.required is not None:
        numbers.append(f"needs {amount(finding.required, finding.unit)}")
    if finding.headroom is not None:
        numbers.append(f"{amount(finding.headroom, finding.unit)} free")
    if finding.limit is not None and finding.usage is not None:
        numbers.append(f"{amount(finding.usage, finding.unit)} of {amount(finding.limit, finding.unit)} used")
    if finding.held:
        numbers.append(f"{amount(finding.held, finding.unit)} held for other launches")
    if finding.minimum_limit is not None:
        numbers.append(f"a limit of {amount(finding.minimum_limit, finding.unit)} would do")
    text = ": ".join(part for part in (" ".join(parts), ", ".join(numbers)) if part)
    return f"{text}; {finding.detail}" if finding.detail else text


def _remedy(finding: Finding) -> str:
    """What to do, with the command that does it as a shell takes it."""
    command = shlex.join(finding.command)
    return f"{finding.remedy}: {command}" if command else finding.remedy or ""


def reason(verdict: Verdict) -> str:
    """Why a launch is blocked or unknown: every finding that makes it so, with what to do about the first."""
    deciding = [finding for finding in verdict.findings if finding.outcome == verdict.quota] or list(verdict.findings)
    if verdict.quota == "fits":
        return "every quota has room"
    text = "; ".join(sentence(finding) for finding in deciding) or "nothing is known"
    remedy = next((_remedy(finding) for finding in deciding if finding.remedy), None)
    opening = "no quota" if verdict.quota == "blocked" else "not known to fit"
    return f"{opening}: {text}{f'. To do: {remedy}' if remedy else ''}"


def amount(value: int, unit: str) -> str:
    """An amount in its unit; bytes in the largest unit that divides them."""
    if unit != "byte":
        return str(value)
    for size, name in _UNITS:
        if value >= size and value % size == 0:
            return f"{value // size} {name}"
    return f"{value} bytes"
