"""The start of every page: title, notice, API client, and the deployed model."""

import streamlit as st

from frontend.api_models import Model
from frontend.client import ApiError, Client, answer_or_error
from frontend.settings import AppSettingsError, load

NOT_A_DEVICE = (
    "**Not a medical device.** For research and education only. A radiologist must read the image before any decision."
)
STYLE = "<style>.stMainBlockContainer { padding-top: 4.5rem; }</style>"
"""By default Streamlit keeps 6rem free below its toolbar, a fifth of a phone's screen."""
MODEL_SECONDS = 60
"""How long the response of GET /model is cached."""


def start_page(title: str) -> Client | None:
    """Draw a page's title and notice; return the API's client, or None after an error about the settings."""
    st.html(STYLE)
    st.title(title, anchor=False)
    st.warning(NOT_A_DEVICE, icon=":material/health_and_safety:")
    try:
        return Client(load())
    except AppSettingsError as error:
        st.error(f"The app is not connected to an API. {error}", icon=":material/link_off:")
        st.markdown("Start the app for a deployed stage:")
        st.code("make app STAGE=dev", language="bash")
        st.markdown("Or set `API_URL` and `API_KEY` in the environment or in `.streamlit/secrets.toml`.")
        return None


def deployed_model(client: Client) -> Model | ApiError:
    """Return the deployed model, requested once a minute for all sessions, or the API's error."""
    return answer_or_error(lambda: fetch_model(client, client.address))


@st.cache_data(ttl=MODEL_SECONDS, show_spinner=False)
def fetch_model(_client: Client, address: str) -> Model:
    """Request the model of the API at an address; errors are not cached."""
    return _client.model()
