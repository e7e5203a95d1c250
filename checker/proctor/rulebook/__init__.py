"""Rules, library models and launcher models, from TOML to values."""

from __future__ import annotations

from proctor.rulebook.load import (
    JUDGES,
    BlobCache,
    RuleSources,
    load_examples,
    load_model_examples,
    load_rulebook,
    marked_lines,
    read_sources,
)

__all__ = [
    "JUDGES",
    "BlobCache",
    "RuleSources",
    "load_examples",
    "load_model_examples",
    "load_rulebook",
    "marked_lines",
    "read_sources",
]
