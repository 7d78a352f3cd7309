"""The page "Read one image"."""

from dataclasses import dataclass

import streamlit as st

import radiograph
from frontend import uploaded_image
from frontend.api_models import HeatMap, Model, Prediction
from frontend.client import ApiError, Client, answer_or_error
from frontend.error_messages import show_error
from frontend.formatting import escape_markdown, log_odds, percent, threshold_meaning
from frontend.page_setup import deployed_model, start_page
from frontend.scale import probability_scale
from frontend.uploaded_image import UploadedImage
from frontend.viewer import show_image

UPLOAD, NORMAL, PNEUMONIA = "My image", "Synthetic, healthy", "Synthetic, pneumonia"


@dataclass
class Reading:
    """The session's current image, with the API's responses about it.

    Attributes:
        source: identifies the upload or the synthetic image.
    """

    source: str
    image: UploadedImage
    prediction: Prediction | ApiError | None = None
    heat: HeatMap | ApiError | None = None


def page() -> None:
    """Draw the page."""
    client = start_page("Chest radiograph reading")
    if client is None:
        return
    model = deployed_model(client)
    reading = choose_image()
    if reading is None:
        return
    image = reading.image
    if reading.prediction is None:
        with st.spinner("Reading the image …"):
            reading.prediction = answer_or_error(lambda: client.predict(image.body, image.media_type))
    left, right = st.columns([5, 6], gap="large")
    with left:
        show_image(image, reading.heat if isinstance(reading.heat, HeatMap) else None)
    with right:
        if isinstance(reading.prediction, Prediction):
            show_prediction(reading.prediction, model)
            show_heat(client, reading)
            show_details(reading.prediction)
        elif show_error(reading.prediction, image.digest):
            reading.prediction = None
            st.rerun()


def choose_image() -> Reading | None:
    """Let the person choose an image; return None until there is a valid one.

    Streamlit empties the uploader when the person opens another page. The session's image stays until it is closed.
    """
    source = st.segmented_control(
        "Image",
        [UPLOAD, NORMAL, PNEUMONIA],
        default=UPLOAD,
        required=True,
        key="source",
        persist_state="session",
        help="The synthetic images are drawings and show no real person.",
    )
    if source in (NORMAL, PNEUMONIA):
        return current_reading(source) or set_reading(Reading(source, shared_synthetic(source == PNEUMONIA)))
    upload = st.file_uploader(
        "A frontal chest radiograph: JPEG, PNG, DICOM, TIFF or BMP",
        on_change=close_image,
        help="The file stays in this session's memory. The deployment's storage keeps a file above 4.4 MB for a day. "
        "Only the pixels of DICOM, TIFF and BMP files are sent.",
    )
    if upload is None:
        return earlier_upload()
    try:
        return current_reading(upload.file_id) or set_reading(
            Reading(upload.file_id, uploaded_image.from_file(upload.name, upload.getvalue()))
        )
    except radiograph.ImageError as error:
        st.error(f"**{escape_markdown(upload.name)} cannot be read.** {error}", icon=":material/broken_image:")
        return None


def earlier_upload() -> Reading | None:
    """Return the image that was uploaded before the person opened another page, with a button to close it."""
    reading: Reading | None = st.session_state.get("reading")
    if reading is None or reading.source in (NORMAL, PNEUMONIA):
        show_introduction()
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{escape_markdown(reading.image.name)} is still open.")
        st.button("Close it", icon=":material/close:", on_click=close_image)
    return reading


def show_introduction() -> None:
    """Explain the steps to a new visitor."""
    steps = {
        ":material/upload_file: Choose an image": "One frontal chest radiograph as JPEG, PNG, DICOM, TIFF or BMP, or "
        "one of the synthetic images above, which show no real person.",
        ":material/straighten: Read the result": "The probability of pneumonia beside the threshold, with the "
        "threshold's sensitivity and specificity on test images.",
        ":material/blur_on: See why": "A heat map of the regions that change the prediction.",
    }
    for column, (title, text) in zip(st.columns(len(steps)), steps.items(), strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"**{title}**\n\n{text}")
    st.caption(
        "The image is sent to this deployment's API and model. The app stores neither the image nor the result. "
        "The deployment's storage keeps an image above 4.4 MB for a day. "
        "Only the pixels of DICOM, TIFF and BMP files are sent."
    )


def current_reading(source: str) -> Reading | None:
    """Return the session's reading if it is of this source: a rerun neither decodes nor sends the image again."""
    reading: Reading | None = st.session_state.get("reading")
    return reading if reading is not None and reading.source == source else None


def close_image() -> None:
    """Remove the session's image and its results."""
    st.session_state.pop("reading", None)


def set_reading(reading: Reading) -> Reading:
    """Make a reading the session's current one."""
    st.session_state["reading"] = reading
    return reading


@st.cache_data(show_spinner="Drawing an image …")
def shared_synthetic(pneumonia: bool) -> UploadedImage:
    """Return a synthetic image, shared by all sessions."""
    return uploaded_image.synthetic(pneumonia)


def show_prediction(prediction: Prediction, model: Model | ApiError) -> None:
    """Show label, probability and threshold, and how the threshold was validated."""
    st.subheader(prediction.finding)
    st.markdown(
        f"The model gives a probability of **{percent(prediction.probability)}** for pneumonia, "
        f"{'at or above' if prediction.positive else 'below'} its threshold of {percent(prediction.threshold)}."
    )
    st.html(probability_scale(prediction))
    if isinstance(model, Model):
        if model.model_version == prediction.model_version:
            st.markdown(threshold_meaning(model.evaluation))
        else:
            st.markdown(f"The deployed model is now `{model.model_version}`. Choose the image again to use that model.")
    st.caption(f"Threshold: {prediction.threshold_source}. {prediction.disclaimer}")


def show_heat(client: Client, reading: Reading) -> None:
    """Explain the heat map, or offer it."""
    if isinstance(reading.heat, HeatMap):
        st.markdown(heat_text(reading.heat))
        return
    if isinstance(reading.heat, ApiError):
        pressed = show_error(reading.heat, f"heat-{reading.image.digest}")
    else:
        pressed = st.button(
            "Show heat map",
            icon=":material/blur_on:",
            help="Covers one region of the image at a time and asks the model again: 50 calls, some seconds. A "
            "slow model gets fewer, larger regions.",
        )
    if not pressed:
        return
    with st.spinner("Reading the image with one region covered at a time …"):
        reading.heat = answer_or_error(lambda: client.explain(reading.image.body, reading.image.media_type))
    st.rerun()


def heat_text(heat: HeatMap) -> str:
    """Return a heat map's result in words."""
    regions = f"{len(heat.values)} x {len(heat.values[0])}"
    text = (
        "**Orange** regions raise the predicted probability of pneumonia, **blue** regions lower it: covering them has "
        f"the opposite effect. Covering the strongest of {regions} regions changes the log-odds by "
        f"{log_odds(-heat.strongest)}."
    )
    if not heat.significant:
        text = (
            f"**No single region matters by itself**: covering any one of {regions} changes the log-odds of pneumonia "
            f"by less than {heat.minimum_change:g}, so none is coloured."
        )
    if not heat.complete:
        text += " The time limit was reached before every region was measured. The others are hatched."
    return f"{text} A heat map shows what the model uses, not where a disease is."


def show_details(prediction: Prediction) -> None:
    """Show the details that identify a prediction."""
    with st.expander("About this prediction"):
        rows = [
            ("Label", prediction.label),
            ("Probability of PNEUMONIA", f"{prediction.probability:.4f}"),
            ("Threshold", f"{prediction.threshold:.4f}"),
            ("Model", prediction.model_version),
            ("Request", prediction.request_id),
            ("Round trip", f"{prediction.seconds:.2f} s"),
        ]
        lines = [f"| {name} | `{value}` |" for name, value in rows]
        st.markdown("\n".join(["| Name | Value |", "| --- | --- |", *lines]))
