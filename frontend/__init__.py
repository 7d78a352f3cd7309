"""The Streamlit app, a client of the REST API."""
