"""One file to its facts: what each scope does, as written, with nothing resolved."""

from proctor.extract.gather import digest_of, facts
from proctor.extract.reading import read_file
from proctor.extract.store import Store, default_folder

__all__ = ["Store", "default_folder", "digest_of", "facts", "read_file"]
