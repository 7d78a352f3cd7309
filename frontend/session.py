"""What every page needs: the API's client, what it says of its model, and the notice."""

import streamlit as st

from frontend.api_models import Model
from frontend.client import Client, RefusalError, outcome
from frontend.settings import SettingsError, load

NOT_A_DEVICE = (
    "**Not a medical device.** For research and education only; a radiologist must read the image before any decision."
)
STYLE = "<style>.stMainBlockContainer { padding-top: 4.5rem; }</style>"
"""Streamlit keeps 6rem free below its toolbar, a fifth of a phone's screen."""
MODEL_SECONDS = 60
"""How long what the API said of its model is believed."""


def opened(title: str) -> Client | None:
    """Draw a page's head; return the API's client, or None after saying how the app gets to know its API."""
    st.html(STYLE)
    st.title(title, anchor=False)
    st.warning(NOT_A_DEVICE, icon=":material/health_and_safety:")
    try:
        return Client(load())
    except SettingsError as error:
        st.error(f"The app does not know its API. {error}", icon=":material/link_off:")
        st.markdown("Start it on a deployed stage with")
        st.code("make app STAGE=dev", language="bash")
        st.markdown("or set `API_URL` and `API_KEY` in the environment or in `.streamlit/secrets.toml`.")
        return None


def model_of(client: Client) -> Model | RefusalError:
    """Return what the API says of its model, asked once a minute for all sessions, or why it does not say."""
    return outcome(lambda: asked(client, client.address))


@st.cache_data(ttl=MODEL_SECONDS, show_spinner=False)
def asked(_client: Client, address: str) -> Model:
    """Ask; refusals are not kept."""
    return _client.model()
