"""`streamlit run frontend/app.py`: the app's entry point and its pages."""

import sys
from pathlib import Path

import streamlit as st

# Streamlit puts this script's folder on the path, not the project's root, where the packages are.
ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from frontend import reading  # noqa: E402

st.set_page_config(page_title="Chest film reading", page_icon=":material/radiology:", layout="wide")
st.navigation([st.Page(reading.page, title="Read one film", icon=":material/radiology:")], position="top").run()
