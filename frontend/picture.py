"""A film on the page: windowed as on a viewing station, with the heat map over it."""

import streamlit as st

from frontend.answers import HeatMap
from frontend.film import Film, windowed
from frontend.scale import heat_scale
from frontend.wording import plain
from radiograph.heat import heat_layer, overlay


@st.fragment
def shown_film(film: Film, heat: HeatMap | None = None) -> None:
    """Show a film with its controls; moving one redraws the film and nothing else of the page."""
    place = st.empty()
    strength = 0
    if heat is not None and heat.matters:
        strength = st.slider("Opacity of the heat map", 0, 100, 50, format="%d %%", key=f"opacity-{film.digest}")
    with st.expander("Window and level", icon=":material/contrast:"):
        level = st.slider("Level: the grey in the middle", 0, 255, 128, key=f"level-{film.digest}")
        window = st.slider("Window: greys from black to white", 2, 256, 256, key=f"window-{film.digest}")
        st.caption("They change what you see, not what the model reads.")
    picture = windowed(film.picture, level, window)
    if heat is not None and strength:
        picture = overlay(picture, heat_layer(heat.values, heat.floor, picture.size, strength / 100, heat.policy))
    alt = f"Chest film {film.name}" + (", with the heat map over it" if heat is not None and strength else "")
    place.image(picture, caption=plain(film.name), width="stretch", output_format="JPEG", alt=alt)
    if heat is not None and heat.matters:
        st.html(heat_scale(heat))
    st.caption(f"{film.size[0]} x {film.size[1]} pixels. {film.note}")
