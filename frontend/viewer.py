"""An image on the page: windowed as on a viewing station, with the heat map over it."""

import streamlit as st

from frontend.api_models import HeatMap
from frontend.scale import heat_scale
from frontend.uploaded_image import Radiograph, windowed
from frontend.wording import plain
from radiograph.heat import heat_layer, overlay


@st.fragment
def shown_image(image: Radiograph, heat: HeatMap | None = None) -> None:
    """Show an image with its controls; moving one redraws the image and nothing else of the page."""
    place = st.empty()
    strength = 0
    if heat is not None and heat.matters:
        strength = st.slider("Opacity of the heat map", 0, 100, 50, format="%d %%", key=f"opacity-{image.digest}")
    with st.expander("Window and level", icon=":material/contrast:"):
        level = st.slider("Level: the grey in the middle", 0, 255, 128, key=f"level-{image.digest}")
        window = st.slider("Window: greys from black to white", 2, 256, 256, key=f"window-{image.digest}")
        st.caption("They change what you see, not what the model reads.")
    picture = windowed(image.picture, level, window)
    if heat is not None and strength:
        picture = overlay(
            picture, heat_layer(heat.values, heat.minimum_change, picture.size, strength / 100, heat.resize_mode)
        )
    alt = f"Chest radiograph {image.name}" + (", with the heat map over it" if heat is not None and strength else "")
    place.image(picture, caption=plain(image.name), width="stretch", output_format="JPEG", alt=alt)
    if heat is not None and heat.matters:
        st.html(heat_scale(heat))
    st.caption(f"{image.size[0]} x {image.size[1]} pixels. {image.note}")
