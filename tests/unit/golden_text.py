"""What commands print, as written down in tests/unit/golden: a file for each command and format."""

from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def as_written_down(name: str, text: str) -> None:
    """Hold a text to the file of this name."""
    assert text == (GOLDEN / name).read_text(encoding="utf-8")
