"""One file to its facts: what each scope does, as written, with nothing resolved."""

from proctor.extract.gather import digest_of, facts
from proctor.extract.reading import read_file

__all__ = ["digest_of", "facts", "read_file"]
