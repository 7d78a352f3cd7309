"""The page "Read many images"."""

import time
from collections.abc import Sequence
from typing import Any

import streamlit as st

import radiograph
from frontend import uploaded_image as images
from frontend.api_models import Model
from frontend.archive import MAX_FILES, ArchiveError, Item, items_of
from frontend.batch import AT_ONCE, FATAL, Row, read_all
from frontend.client import Client
from frontend.one_image_page import KINDS
from frontend.refusals import NEXT_STEPS
from frontend.scale import scale
from frontend.session import model_of, opened
from frontend.table import BATCH_COLUMNS, FILTERS, NEAR, chosen, csv_of, frame, summary
from frontend.viewer import shown_image
from frontend.wording import duration, plain
from radiograph import ResizeMode

ROWS_SHOWN = 12
ROW_PIXELS = 64


def page() -> None:
    """Draw the page."""
    client = opened("Read many images")
    if client is None:
        return
    model = model_of(client)
    resize_mode: ResizeMode = model.resize_mode if isinstance(model, Model) else "squash"
    items = choose()
    rows: dict[str, Row] = st.session_state.setdefault("rows", {})
    for gone in rows.keys() - {item.key for item in items}:
        del rows[gone]
    if not items:
        return
    run(client, items, rows, resize_mode)
    done = [rows[item.key] for item in items if item.key in rows]
    if done:
        show(done, items, resize_mode)


def choose() -> list[Item]:
    """Let the person choose images; those of the session stay when the person looks at another page meanwhile."""
    uploaded = st.file_uploader(
        "Frontal chest radiographs: JPEG, PNG, DICOM, or zip archives of them",
        type=[*KINDS, "zip"],
        accept_multiple_files=True,
        on_change=forget,
        help=f"Up to {MAX_FILES:,} files. They stay in this session's memory and are not stored.",
    )
    kept: list[Item] = st.session_state.get("items", [])
    if kept and not uploaded:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{len(kept):,} files are still open.")
            st.button("Close them", icon=":material/close:", on_click=forget)
    if kept:
        return kept
    try:
        st.session_state["items"] = items_of(list(uploaded))
    except ArchiveError as error:
        st.error(str(error), icon=":material/folder_off:")
        return []
    return list(st.session_state["items"])


def forget() -> None:
    """Drop the files of this session; results of files that are chosen again stay."""
    st.session_state.pop("items", None)


def run(client: Client, items: Sequence[Item], rows: dict[str, Row], resize_mode: ResizeMode) -> None:
    """Read what has no result yet, once the person says so; a rerun keeps what was done and stops the rest."""
    pending = [item for item in items if item.key not in rows]
    failed = [row for row in rows.values() if row.again]
    if failed and st.button("Try the unanswered files again", icon=":material/refresh:"):
        for row in failed:
            del rows[row.key]
        st.rerun()
    if not pending:
        return
    place = st.empty()
    words = f"Read {len(pending):,} images" if not rows else f"Go on with the other {len(pending):,} images"
    with place.container(horizontal=True):
        pressed = st.button(words, type="primary", icon=":material/play_arrow:")
        st.caption(f"{len(items):,} files chosen, {AT_ONCE} are read at a time.")
    if not pressed:
        return
    with place.container():
        st.button("Stop", icon=":material/stop:", help="What was read stays.")
        bar = st.progress(0.0, text=f"0 of {len(pending):,} images")
        started = time.monotonic()
        for count, row in enumerate(read_all(client, pending, resize_mode), 1):
            rows[row.key] = row
            left = duration((time.monotonic() - started) / count * (len(pending) - count))
            told = f"{count:,} of {len(pending):,} images" + (f", about {left} left" if count < len(pending) else "")
            bar.progress(count / len(pending), text=told)
    st.rerun()


def show(rows: list[Row], items: Sequence[Item], resize_mode: ResizeMode) -> None:
    """Show the results: in short, as a table to filter and sort, as a file, and each image on request."""
    stopped = next((row for row in rows if row.code in FATAL), None)
    if stopped is not None:
        step = NEXT_STEPS.get(stopped.code, "")
        st.error(f"**The rest was not asked.** {stopped.reason} {step}", icon=":material/error:")
    st.markdown(summary(rows))
    name = st.segmented_control("Show", list(FILTERS), default=FILTERS[0], required=True, wrap=True)
    st.download_button(
        "Download CSV",
        csv_of(rows),
        "chest-image-readings.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    shown = chosen(rows, str(name))
    st.caption(
        f"{len(shown):,} of {len(rows):,} files. Near the threshold: within {100 * NEAR:.0f} points of it. "
        "Click a column's head to sort, a row's box to see the image."
    )
    if not shown:
        return
    event: Any = st.dataframe(
        frame(shown),
        column_config=BATCH_COLUMNS,
        hide_index=True,
        row_height=ROW_PIXELS,
        height=ROW_PIXELS * min(len(shown), ROWS_SHOWN) + 48,
        on_select="rerun",
        selection_mode="single-row",
        placeholder="",
        alt="Results of the images that were read",
    )
    for place in event.selection.rows:
        if place < len(shown):
            show_one(shown[place], items, resize_mode)


def show_one(row: Row, items: Sequence[Item], resize_mode: ResizeMode) -> None:
    """Show one image of the batch with its result; its file is read again, for the table keeps a thumbnail only."""
    item = next(item for item in items if item.key == row.key)
    left, right = st.columns([5, 6], gap="large")
    with left:
        try:
            shown_image(images.from_file(item.name, item.read(), resize_mode))
        except (ArchiveError, radiograph.ImageError):
            st.caption("There is no image to show.")
    with right:
        st.subheader(plain(row.name), anchor=False)
        if row.prediction is None:
            st.error(row.reason, icon=":material/error:")
            return
        st.markdown(f"**{row.prediction.finding}**")
        st.html(scale(row.prediction))
        st.caption(f"Request {row.prediction.request_id}. {row.prediction.disclaimer}")
