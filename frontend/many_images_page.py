"""The page "Read many images"."""

import time
from collections.abc import Sequence
from typing import Any

import streamlit as st

import radiograph
from frontend import uploaded_image
from frontend.batch import CONCURRENCY, FATAL, ResultRow, predict_all
from frontend.batch_files import MAX_FILES, ArchiveError, BatchFile, batch_files
from frontend.client import Client
from frontend.error_messages import NEXT_STEPS
from frontend.formatting import duration, escape_markdown
from frontend.page_setup import start_page
from frontend.results_table import COLUMNS, FILTERS, NEAR, csv_file, filtered, summary, table
from frontend.scale import probability_scale
from frontend.viewer import show_image

VISIBLE_ROWS = 12
ROW_PIXELS = 64


def page() -> None:
    """Draw the page."""
    client = start_page("Read many images")
    if client is None:
        return
    files = choose_files()
    if files is None:
        return
    rows: dict[str, ResultRow] = st.session_state.setdefault("rows", {})
    for removed in rows.keys() - {file.key for file in files}:
        del rows[removed]
    if not files:
        return
    read_pending(client, files, rows)
    results = [rows[file.key] for file in files if file.key in rows]
    if results:
        show_results(results, files)


def choose_files() -> list[BatchFile] | None:
    """Let the person choose files; return None if there are too many, which leaves earlier results as they are.

    The session's files stay when the person opens another page.
    """
    uploads = st.file_uploader(
        "Frontal chest radiographs: JPEG, PNG, DICOM, TIFF, BMP, or zip archives of them",
        accept_multiple_files=True,
        on_change=close_files,
        help=f"Up to {MAX_FILES:,} files. They stay in this session's memory. The deployment's "
        "storage keeps a file above 4.4 MB for a day.",
    )
    files: list[BatchFile] = st.session_state.get("files", [])
    if files and not uploads:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{len(files):,} files are still open.")
            st.button("Close them", icon=":material/close:", on_click=close_files)
    if files:
        return files
    try:
        files = st.session_state["files"] = batch_files(list(uploads))
    except ArchiveError as error:
        st.error(str(error), icon=":material/folder_off:")
        return None
    return files


def close_files() -> None:
    """Remove the session's files. Results of files that are still uploaded stay."""
    st.session_state.pop("files", None)


def read_pending(client: Client, files: Sequence[BatchFile], rows: dict[str, ResultRow]) -> None:
    """Offer to read the files that have no result, and read them. A rerun of the page stops reading."""
    pending = [file for file in files if file.key not in rows]
    failed = [row for row in rows.values() if row.retryable]
    if failed and st.button("Retry failed files", icon=":material/refresh:"):
        for row in failed:
            del rows[row.key]
        st.rerun()
    if not pending:
        return
    controls = st.empty()
    with controls.container(horizontal=True):
        pressed = st.button(
            f"Read the remaining {len(pending):,} images" if rows else f"Read {len(pending):,} images",
            type="primary",
            icon=":material/play_arrow:",
        )
        st.caption(f"{len(files):,} files chosen. {CONCURRENCY} are read at a time.")
    if not pressed:
        return
    with controls.container():
        st.button("Stop", icon=":material/stop:", help="Results so far stay.")
        bar = st.progress(0.0, text=f"0 of {len(pending):,} images")
        started = time.monotonic()
        for count, row in enumerate(predict_all(client, pending), 1):
            rows[row.key] = row
            remaining = duration((time.monotonic() - started) / count * (len(pending) - count))
            text = f"{count:,} of {len(pending):,} images"
            bar.progress(
                count / len(pending), text=text + (f", about {remaining} left" if count < len(pending) else "")
            )
    st.rerun()


def show_results(rows: list[ResultRow], files: Sequence[BatchFile]) -> None:
    """Show a summary, a table to filter and sort, a CSV file, and the selected image."""
    fatal = next((row for row in rows if row.code in FATAL), None)
    if fatal is not None:
        step = NEXT_STEPS.get(fatal.code, "")
        unprocessed = "**The remaining files were not processed.** " if len(rows) < len(files) else ""
        st.error(f"{unprocessed}{fatal.error} {step}", icon=":material/error:")
    st.markdown(summary(rows))
    name = st.segmented_control("Show", list(FILTERS), default=FILTERS[0], required=True, wrap=True)
    st.download_button(
        "Download CSV",
        csv_file(rows),
        "chest-image-results.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    visible = filtered(rows, str(name))
    st.caption(
        f"{len(visible):,} of {len(rows):,} files. Near the threshold: within {100 * NEAR:.0f} percentage points. "
        "Click a column's title to sort, or a row's box to see the image."
    )
    if not visible:
        return
    event: Any = st.dataframe(
        table(visible),
        column_config=COLUMNS,
        hide_index=True,
        row_height=ROW_PIXELS,
        height=ROW_PIXELS * min(len(visible), VISIBLE_ROWS) + 48,
        on_select="rerun",
        selection_mode="single-row",
        placeholder="",
        alt="Results of the images",
    )
    for index in event.selection.rows:
        if index < len(visible):
            show_row(visible[index], files)


def show_row(row: ResultRow, files: Sequence[BatchFile]) -> None:
    """Show the image and the result of a row. The file is read again: the table has only its thumbnail."""
    file = next(file for file in files if file.key == row.key)
    left, right = st.columns([5, 6], gap="large")
    with left:
        try:
            show_image(uploaded_image.from_file(file.name, file.read()))
        except (ArchiveError, radiograph.ImageError):
            st.caption("There is no image to show.")
    with right:
        st.subheader(escape_markdown(row.name), anchor=False)
        if row.prediction is None:
            st.error(row.error, icon=":material/error:")
            return
        st.markdown(f"**{row.prediction.finding}**")
        st.html(probability_scale(row.prediction))
        st.caption(f"Request {row.prediction.request_id}. {row.prediction.disclaimer}")
