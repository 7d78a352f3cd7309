"""The app's entry point and its pages: `streamlit run frontend/app.py`."""

import sys
from pathlib import Path

import streamlit as st

# Streamlit puts this script's folder on the path; the packages are in the project's root.
ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from frontend import many_images_page, model_page, one_image_page  # noqa: E402

PAGES = [
    st.Page(one_image_page.page, title="Read one image", icon=":material/radiology:", url_path="one", default=True),
    st.Page(many_images_page.page, title="Read many", icon=":material/photo_library:", url_path="many"),
    st.Page(model_page.page, title="The model", icon=":material/monitoring:", url_path="model"),
]


def main() -> None:
    """Draw the requested page."""
    page = st.navigation(PAGES, position="top")
    st.set_page_config(
        page_title=f"{page.title} - chest radiograph reading", page_icon=":material/radiology:", layout="wide"
    )
    page.run()


# Streamlit runs this file as the main module. A spawned process imports it under another name.
if __name__ == "__main__":
    main()
