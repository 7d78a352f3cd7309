"""The page "Read one image"."""

from dataclasses import dataclass

import streamlit as st

import radiograph
from frontend import uploaded_image as images
from frontend.api_models import HeatMap, Model, Prediction
from frontend.client import Client, RefusalError, outcome
from frontend.refusals import show_refusal
from frontend.scale import scale
from frontend.session import model_of, opened
from frontend.uploaded_image import Radiograph
from frontend.viewer import shown_image
from frontend.wording import log_odds, percent, plain, threshold_meaning
from radiograph import ResizeMode

UPLOAD, NORMAL, PNEUMONIA = "My image", "Synthetic, healthy", "Synthetic, pneumonia"
KINDS = ["jpg", "jpeg", "png", "dcm", "dicom"]


@dataclass
class Reading:
    """What this session knows of the image it shows: the file it came from, and what the API said of it."""

    source: str
    image: Radiograph
    outcome: Prediction | RefusalError | None = None
    heat: HeatMap | RefusalError | None = None


def page() -> None:
    """Draw the page."""
    client = opened("Chest radiograph reading")
    if client is None:
        return
    model = model_of(client)
    reading = choose(model.resize_mode if isinstance(model, Model) else "squash")
    if reading is None:
        return
    if reading.outcome is None:
        with st.spinner("The model reads the image …"):
            image = reading.image
            reading.outcome = outcome(lambda: client.predict(image.body, image.media_type))
    left, right = st.columns([5, 6], gap="large")
    with left:
        heat = reading.heat if isinstance(reading.heat, HeatMap) else None
        shown_image(reading.image, heat)
    with right:
        if isinstance(reading.outcome, Prediction):
            show_prediction(reading.outcome, model)
            show_heat(client, reading)
            show_details(reading.outcome)
        elif show_refusal(reading.outcome, reading.image.digest):
            reading.outcome = None
            st.rerun()


def choose(resize_mode: ResizeMode) -> Reading | None:
    """Let the person choose an image; None until there is one that can be sent.

    Leaving the page empties its uploader, as Streamlit has it; the image of the session stays until it is taken away.
    """
    source = st.segmented_control(
        "Radiograph",
        [UPLOAD, NORMAL, PNEUMONIA],
        default=UPLOAD,
        required=True,
        key="source",
        persist_state="session",
        help="The synthetic images are drawn and show nobody.",
    )
    if source in (NORMAL, PNEUMONIA):
        return kept(source) or remember(Reading(source, synthetic(source == PNEUMONIA)))
    uploaded = st.file_uploader(
        "A frontal chest radiograph: JPEG, PNG or DICOM",
        type=KINDS,
        on_change=forget,
        help="The file stays in this session's memory and is not stored. Of a DICOM file only the pixels are sent.",
    )
    if uploaded is None:
        return still_open()
    try:
        return kept(uploaded.file_id) or remember(
            Reading(uploaded.file_id, images.from_file(uploaded.name, uploaded.getvalue(), resize_mode))
        )
    except radiograph.ImageError as error:
        st.error(f"**{plain(uploaded.name)} cannot be read.** {error}", icon=":material/broken_image:")
        return None


def still_open() -> Reading | None:
    """Return the image that was chosen before the person looked at another page, with a way to close it."""
    reading: Reading | None = st.session_state.get("reading")
    if reading is None or reading.source in (NORMAL, PNEUMONIA):
        introduce()
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{plain(reading.image.name)} is still open.")
        st.button("Close it", icon=":material/close:", on_click=forget)
    return reading


def introduce() -> None:
    """Say what will happen, to who is here for the first time."""
    steps = {
        ":material/upload_file: Choose an image": "One frontal chest radiograph as JPEG, PNG or DICOM. None at hand? "
        "The synthetic ones above are drawn by the project and show nobody.",
        ":material/straighten: Read the result": "The probability of pneumonia beside the threshold, and how often "
        "that threshold was right on images the model had never seen.",
        ":material/blur_on: See why": "A heat map of the parts of the image that the model's answer rests on.",
    }
    for column, (title, words) in zip(st.columns(len(steps)), steps.items(), strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"**{title}**\n\n{words}")
    st.caption(
        "The image goes to this deployment's API and from there to its model; neither it nor the result is stored or "
        "logged with your image. Of a DICOM file only the pixels are sent."
    )


def kept(source: str) -> Reading | None:
    """Return this session's reading of a source, so that a rerun neither decodes nor asks again."""
    reading: Reading | None = st.session_state.get("reading")
    return reading if reading is not None and reading.source == source else None


def forget() -> None:
    """Drop this session's image and what was said of it."""
    st.session_state.pop("reading", None)


def remember(reading: Reading) -> Reading:
    """Keep the reading in place of the one before."""
    st.session_state["reading"] = reading
    return reading


@st.cache_data(show_spinner="Drawing an image …")
def synthetic(pneumonia: bool) -> Radiograph:
    """Return a drawn image; it is nobody's, so that every session may share it."""
    return images.synthetic(pneumonia)


def show_prediction(found: Prediction, model: Model | RefusalError) -> None:
    """Show label, probability and threshold, and what the threshold is worth."""
    st.subheader(found.finding)
    st.markdown(
        f"The model gives a probability of **{percent(found.probability)}** for pneumonia, "
        f"{'at or above' if found.positive else 'below'} its threshold of {percent(found.threshold)}."
    )
    st.html(scale(found))
    if isinstance(model, Model):
        same = model.version == found.model_version
        other = f"This image was read by another model than the present one, `{model.version}`."
        st.markdown(threshold_meaning(model.evaluation) if same else other)
    st.caption(f"Threshold: {found.threshold_source}. {found.disclaimer}")


def show_heat(client: Client, reading: Reading) -> None:
    """Offer the heat map, or say what it shows."""
    if isinstance(reading.heat, HeatMap):
        st.markdown(heat_words(reading.heat))
        return
    again = isinstance(reading.heat, RefusalError) and show_refusal(reading.heat, f"heat-{reading.image.digest}")
    asked = reading.heat is None and st.button(
        "Show which parts speak for pneumonia",
        icon=":material/blur_on:",
        help="Covers one part of the image after the other and asks the model each time: 50 calls, some seconds.",
    )
    if not asked and not again:
        return
    with st.spinner("The model reads the image with one part after the other covered …"):
        reading.heat = outcome(lambda: client.explain(reading.image.body, reading.image.media_type))
    st.rerun()


def heat_words(heat: HeatMap) -> str:
    """Return what a heat map says, for who sees it and for who cannot."""
    words = (
        "**Orange** regions speak for pneumonia and **blue** ones against it: the log-odds of pneumonia fall or rise "
        f"when they are covered. The strongest region changes them by {log_odds(-heat.strongest)}."
    )
    if not heat.matters:
        words = (
            "**No single region matters by itself**: covering any one of them changes the log-odds of pneumonia by "
            f"less than {heat.minimum_change:g}, so none is coloured."
        )
    if not heat.complete:
        words += " The time was over before every part was asked; those are left clear."
    return f"{words} A heat map shows what the model uses; it is no finding."


def show_details(found: Prediction) -> None:
    """Show what a person may need to report or repeat a reading."""
    with st.expander("About this reading"):
        rows = [
            ("Label", found.label),
            ("Probability of PNEUMONIA", f"{found.probability:.4f}"),
            ("Threshold", f"{found.threshold:.4f}"),
            ("Model", found.model_version),
            ("Request", found.request_id),
            ("Round trip", f"{found.seconds:.2f} s"),
        ]
        table = [f"| {name} | `{value}` |" for name, value in rows]
        st.markdown("\n".join(["| What | Value |", "| --- | --- |", *table]))
