"""Write the table of settings in docs/operations.md: `python -m infra.settings_table`."""

import re
import textwrap
from pathlib import Path

from infra.setting_types import allowed
from infra.settings import Settings

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "operations.md"
HEAD = "| setting | allowed | default | meaning |\n| --- | --- | --- | --- |\n"


def table() -> str:
    """Return one row for each setting, as Markdown."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default == () else str(field.default)
        default = default.lower() if field.annotation is bool else default
        values = allowed(field).removeprefix("a whole number from ").removeprefix("one of ")
        short = textwrap.shorten(values, 90, placeholder=" ...", break_on_hyphens=False)
        rows.append(f"| `{name}` | {short} | {default} | {field.description} |\n")
    return HEAD + "".join(rows)


def updated(document: str) -> str:
    """Return the document with the present table in place of the one it has."""
    return re.sub(re.escape(HEAD) + r"(\|.*\n)*", lambda _: table(), document)


if __name__ == "__main__":
    DOCUMENT.write_text(updated(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
