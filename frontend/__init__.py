"""The Streamlit app, a client of the REST API. It imports nothing else of the project than `radiograph`."""
