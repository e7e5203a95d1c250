"""Rules, library models and launcher models, from TOML to values; and rules as pages."""

from proctor.rulebook.explain import explain_rule, find_rule, list_rules, rule_pages
from proctor.rulebook.load import (
    JUDGES,
    BlobCache,
    load_examples,
    load_model_examples,
    load_rulebook,
    marked_lines,
)

__all__ = [
    "JUDGES",
    "BlobCache",
    "explain_rule",
    "find_rule",
    "list_rules",
    "load_examples",
    "load_model_examples",
    "load_rulebook",
    "marked_lines",
    "rule_pages",
]
