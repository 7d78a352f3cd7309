"""HTML pages that are one file: everything inline, nothing loaded from elsewhere."""

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.2rem; }
table { border-collapse: collapse; } th, td { padding: .3rem .8rem; border-bottom: 1px solid var(--line); }
td, th { text-align: right; vertical-align: top; } td:first-child, th:first-child { text-align: left; }
figure { margin: 1rem 0; } figure img { width: 100%; border-radius: 4px; } figcaption { font-size: .9rem; }
.note { background: var(--soft); border-left: 4px solid #d9822b; padding: .6rem 1rem; }
.bar { display: inline-block; height: .7rem; background: #3b7dbb; vertical-align: middle; border-radius: 2px; }
.scroll { overflow-x: auto; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
.charts figure { flex: 1 1 26rem; background: #fff; color: #000; border-radius: 6px; padding: .5rem; }
.charts svg { width: 100%; height: auto; }
.images { display: flex; flex-wrap: wrap; gap: .6rem; } .image { width: 9rem; margin: 0; overflow-wrap: anywhere; }
"""


def document(title: str, sections: Sequence[str]) -> str:
    """Return a page of sections, which are HTML; the title is text."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body>{''.join(sections)}</body></html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of text cells; a line break in a cell stays one."""
    top = "".join(f'<th scope="col">{lines(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{lines(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def lines(text: str) -> str:
    """Return text as HTML with its line breaks."""
    return escape(text).replace("\n", "<br>")


def note(words: str) -> str:
    """Return a sentence that must not be missed."""
    return f'<p class="note">{escape(words)}</p>'
