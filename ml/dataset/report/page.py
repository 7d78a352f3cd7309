"""The report as one self-contained HTML page."""

from collections.abc import Mapping
from html import escape
from typing import Any

from ml.dataset import summary
from ml.dataset.patients import KAGGLE
from ml.html import page
from ml.html.page import table

PROVENANCE = (
    "The images have the licence of their source. No image, name or identifier of the source is in this page, except "
    "the thumbnails."
)
KAGGLE_PROVENANCE = (
    "The collection comes from Guangzhou Women and Children's Medical Center: children of one to five years, one "
    "centre (Kermany et al., Cell 2018; data: Mendeley Data 10.17632/rscbjbr9sj.2, CC BY 4.0). "
)


def html(facts: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """Return the page; everything is inline, nothing is loaded from elsewhere."""
    sections = [
        f"<h1>Data set {escape(facts['name'])}</h1><p>Version {escape(facts['version'])}</p>",
        '<p class="note"><strong>Not a medical device.</strong> For research and education only.</p>',
        "<h2>What a model could read besides the anatomy</h2>",
        "".join(f"<p>{escape(words)}</p>" for words in facts["verdict"]),
        audit_table(facts["audit"]),
        "<h2>Images and patients</h2>",
        split_table(facts),
        f"<p>{escape(summary.shared_sentence(facts['shared']))}</p>",
        "<h2>Kinds of images</h2>",
        table(["split", *all_subtypes(facts)], kind_rows(facts)),
        "<h2>Left out</h2>",
        left_out(facts),
        "<h2>Images</h2>",
        "".join(
            f'<figure><img alt="{escape(title)}" src="{uri}"><figcaption>{escape(title)}</figcaption></figure>'
            for title, uri in pictures.items()
        ),
        "<h2>Settings</h2>",
        table(["setting", "value"], [[name, str(value)] for name, value in sorted(facts["settings"].items())]),
        f"<h2>Provenance and licence</h2><p>{escape(provenance(facts))}</p>",
    ]
    return page.document(f"Data set {facts['name']} {facts['version']}", sections)


def audit_table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the audit, before and after, with a bar from 0.5 to 1."""
    rows = ""
    for when, numbers in found.items():
        for name, one in numbers.items():
            width = 12 * (one["value"] - 0.5)
            rows += (
                f"<tr><td>{escape(name)}</td><td>{when}</td><td>{one['value']:.3f}</td>"
                f"<td>{one['low']:.3f} to {one['high']:.3f}</td><td>{one['n']:,}</td>"
                f'<td style="text-align:left"><span class="bar" style="width:{width:.2f}rem"></span></td></tr>'
            )
    head = "".join(
        f'<th scope="col">{cell}</th>'
        for cell in ("number", "standardisation", "label AUC", "95 % CI", "images", "0.5 to 1")
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def split_table(facts: Mapping[str, Any]) -> str:
    """Return images by class, and patients, for each split."""
    rows = [
        [
            split,
            *(f"{count:,}" for count in counts.values()),
            f"{facts['patients'][split]:,}",
            f"{facts['unknown_patients'][split]:,}",
        ]
        for split, counts in facts["counts"].items()
    ]
    classes = list(next(iter(facts["counts"].values())))
    lines = f"<p>The training list has {facts['training_samples']:,} lines, augmented copies included.</p>"
    return table(["split", *classes, "patients", "images of unknown patients"], rows) + lines


def provenance(facts: Mapping[str, Any]) -> str:
    """Return where the images come from, as far as their names tell, and their licence."""
    return (KAGGLE_PROVENANCE if facts["collection"] == KAGGLE else "") + PROVENANCE


def all_subtypes(facts: Mapping[str, Any]) -> list[str]:
    """Return every kind of image that occurs."""
    return sorted({subtype for counts in facts["subtypes"].values() for subtype in counts})


def kind_rows(facts: Mapping[str, Any]) -> list[list[str]]:
    """Return images of each subtype, for each split."""
    return [
        [split, *(f"{counts.get(subtype, 0):,}" for subtype in all_subtypes(facts))]
        for split, counts in facts["subtypes"].items()
    ]


def left_out(facts: Mapping[str, Any]) -> str:
    """Return what became of all files, and how many were left out for which reason."""
    sentence = f"<p>{escape(summary.files_sentence(facts['files']))}</p>"
    if not facts["rejects"]:
        return sentence
    return sentence + table(["reason", "files"], [[code, f"{count:,}"] for code, count in facts["rejects"].items()])
