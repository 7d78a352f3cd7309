"""The page "Read one film"."""

import streamlit as st

import radiograph
from frontend import film as films
from frontend.client import Client, Prediction, RefusalError
from frontend.film import Film
from frontend.scale import percent, scale
from frontend.settings import SettingsError, load

UPLOAD, NORMAL, PNEUMONIA = "My film", "Synthetic, healthy", "Synthetic, pneumonia"

NOT_A_DEVICE = (
    "**Not a medical device.** For research and education only; a radiologist must read the film before any decision."
)

NEXT_STEPS = {
    "invalid_api_key": "The app's API_KEY does not open this API: set the key of this deployment and restart the app.",
    "throttled": "Wait a few seconds, then try again.",
    "endpoint_throttled": "Wait a few seconds, then try again.",
    "endpoint_not_ready": "The model is being started; that takes a few minutes after a deployment.",
    "endpoint_missing": "The model is not deployed: whoever runs this API has to deploy its endpoint again.",
}
"""What the person in front of the app can do, where the API's own sentence does not say it."""

Outcome = Prediction | RefusalError


def page() -> None:
    """Draw the page."""
    st.title("Chest film reading")
    st.warning(NOT_A_DEVICE, icon=":material/health_and_safety:")
    try:
        client = Client(load())
    except SettingsError as error:
        explain_settings(error)
        return
    film = choose()
    if film is None:
        return
    left, right = st.columns([5, 6], gap="large")
    with left:
        st.image(film.picture, caption=film.name, width="stretch")
        if film.note:
            st.caption(film.note)
    with right:
        show(film, outcome(client, film))


def explain_settings(error: SettingsError) -> None:
    """Say how the app gets to know its API."""
    st.error(f"The app does not know its API. {error}", icon=":material/link_off:")
    st.markdown("Start it on a deployed stage with")
    st.code("make app STAGE=dev", language="bash")
    st.markdown("or set `API_URL` and `API_KEY` in the environment or in `.streamlit/secrets.toml`.")


def choose() -> Film | None:
    """Let the person choose a film; None until there is one that can be sent."""
    source = st.segmented_control(
        "Film", [UPLOAD, NORMAL, PNEUMONIA], default=UPLOAD, help="The synthetic films are drawn and show nobody."
    )
    if source in (NORMAL, PNEUMONIA):
        return synthetic(source == PNEUMONIA)
    uploaded = st.file_uploader(
        "A frontal chest radiograph: JPEG, PNG or DICOM",
        type=["jpg", "jpeg", "png", "dcm", "dicom"],
        help="The file stays in this session's memory and is not stored. Of a DICOM file only the pixels are sent.",
    )
    if uploaded is None:
        return None
    try:
        return films.from_file(uploaded.name, uploaded.getvalue())
    except radiograph.FilmError as error:
        st.error(f"**{uploaded.name} cannot be read.** {error}", icon=":material/broken_image:")
        return None


@st.cache_data(show_spinner="Drawing a film …")
def synthetic(pneumonia: bool) -> Film:
    """Return a drawn film; it is nobody's, so that every session may share it."""
    return films.synthetic(pneumonia)


def outcome(client: Client, film: Film) -> Outcome:
    """Return the API's answer about this very film, asked once in a session until the person asks again."""
    kept: tuple[str, Outcome] | None = st.session_state.get("outcome")
    if kept is not None and kept[0] == film.digest:
        return kept[1]
    found: Outcome
    with st.spinner("The model reads the film …"):
        try:
            found = client.predict(film.body, film.media_type)
        except RefusalError as refusal:
            found = refusal
    st.session_state["outcome"] = (film.digest, found)
    return found


def show(film: Film, found: Outcome) -> None:
    """Show what the API said."""
    if isinstance(found, Prediction):
        show_prediction(found)
        return
    reason = [f"**{found.title}.** {found.detail}"]
    if found.code in NEXT_STEPS:
        reason.append(NEXT_STEPS[found.code])
    st.error("\n\n".join(reason), icon=":material/error:")
    if found.request_id:
        st.caption(f"Request {found.request_id}")
    if found.retryable and st.button("Try again", icon=":material/refresh:", key=f"retry-{film.digest}"):
        del st.session_state["outcome"]
        st.rerun()


def show_prediction(found: Prediction) -> None:
    """Show label, probability, threshold and where they come from."""
    positive = found.probability >= found.threshold
    st.subheader("Pneumonia suspected" if positive else "No pneumonia suspected")
    st.markdown(
        f"The model gives a probability of **{percent(found.probability)}** for pneumonia, "
        f"{'at or above' if positive else 'below'} its threshold of {percent(found.threshold)}."
    )
    st.html(scale(found))
    st.caption(f"Threshold: {found.threshold_source}.")
    st.caption(found.disclaimer)
    with st.expander("About this reading"):
        rows = [
            ("Label", found.label),
            ("Probability of PNEUMONIA", f"{found.probability:.4f}"),
            ("Threshold", f"{found.threshold:.4f}"),
            ("Model", found.model_version),
            ("Request", found.request_id),
            ("Round trip", f"{found.seconds:.2f} s"),
        ]
        st.markdown("\n".join(["| | |", "| --- | --- |", *(f"| {name} | `{value}` |" for name, value in rows)]))
