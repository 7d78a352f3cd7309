"""Show an image with window and level, and with its heat map."""

import streamlit as st

from frontend.api_models import HeatMap
from frontend.formatting import escape_markdown
from frontend.scale import heat_scale
from frontend.uploaded_image import UploadedImage, windowed
from radiograph.heat import heat_layer, overlay


@st.fragment
def show_image(image: UploadedImage, heat: HeatMap | None = None) -> None:
    """Show an image with its controls. A change redraws the image only, not the page."""
    canvas = st.empty()
    strength = 0
    if heat is not None and (heat.significant or not heat.complete):
        strength = st.slider("Opacity of the heat map", 0, 100, 50, format="%d %%", key=f"opacity-{image.digest}")
    with st.expander("Window and level", icon=":material/contrast:"):
        level = st.slider("Level: grey value in the middle", 0, 255, 128, key=f"level-{image.digest}")
        window = st.slider("Window: grey values from black to white", 2, 256, 256, key=f"window-{image.digest}")
        st.caption("These settings change the display only, not the prediction.")
    view = windowed(image.preview, level, window)
    if heat is not None and strength:
        layer = heat_layer(heat.values, heat.minimum_change, view.size, strength / 100, heat.resize_mode)
        view = overlay(view, layer)
    alt = f"Chest radiograph {image.name}" + (", with the heat map over it" if heat is not None and strength else "")
    canvas.image(view, caption=escape_markdown(image.name), width="stretch", output_format="JPEG", alt=alt)
    if heat is not None and heat.significant:
        st.html(heat_scale(heat))
    st.caption(f"{image.size[0]} x {image.size[1]} pixels. {image.note}")
