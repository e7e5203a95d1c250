"""A badge for a README: what is violated, else what is not verified, else that all conforms."""

from __future__ import annotations

from proctor.model.finding import Judgement
from proctor.report.markup import count

_LABEL = "12-factor"
_HEIGHT = 20
#: text on these grounds is readable (contrast at least 4.5)
_COLORS = {"bad": "#b3261e", "doubt": "#7a5a00", "good": "#1f6b3a", "unknown": "#5a6067"}


def render_badge(judgement: Judgement) -> str:
    """An SVG of 20 pixels' height. It says that all conforms only where each applicable clause does."""
    text, color = _says(judgement)
    left, right = _width(_LABEL), _width(text)
    total = left + right
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{_HEIGHT}" role="img" '
        f'aria-label="{_LABEL}: {text}">\n<title>{_LABEL}: {text}</title>\n'
        f'<clipPath id="round"><rect width="{total}" height="{_HEIGHT}" rx="3"/></clipPath>\n'
        f'<g clip-path="url(#round)"><rect width="{left}" height="{_HEIGHT}" fill="#3c4146"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{_COLORS[color]}"/></g>\n'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2:g}" y="14">{_LABEL}</text><text x="{left + right / 2:g}" y="14">{text}</text></g>\n'
        "</svg>\n"
    )


def _says(judgement: Judgement) -> tuple[str, str]:
    broken = {each.clause for each in judgement.verdicts if each.verdict == "violates"}
    if broken:
        return f"{count(len(broken), 'clause')} violated", "bad"
    hidden = {each.clause for each in judgement.verdicts if each.verdict == "not verified"}
    if hidden:
        return f"none violated, {len(hidden)} not verified", "doubt"
    if any(each.verdict == "conforms" for each in judgement.verdicts):
        return "conforms", "good"
    return "nothing judged", "unknown"


def _width(text: str) -> int:
    # Verdana at 11 pixels, generously
    return round(len(text) * 6.6) + 14
