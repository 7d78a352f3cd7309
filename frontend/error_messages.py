"""Show the API's errors, each with a next step."""

import streamlit as st

from frontend.client import ApiError

NEXT_STEPS = {
    "invalid_api_key": "Set API_KEY to the key of this deployment and restart the app.",
    "access_denied": "Check API_KEY and who may call this API, then restart the app.",
    "firewall_blocked": "Save the image as a new JPEG or PNG without metadata and choose it again.",
    "address_throttled": "Wait a minute, then try again.",
    "throttled": "Wait a few seconds, then try again.",
    "endpoint_throttled": "The model is busy. Wait a few seconds, then try again.",
    "quota_exceeded": "The operator of this API can raise the key's daily quota (`daily_quota`).",
    "not_a_radiograph": "This check is simple and can be wrong. If the image is a frontal chest radiograph, save it "
    "upright, uncropped and not inverted, and choose it again.",
    "too_large": "Save the image as a smaller JPEG and choose it again.",
    "endpoint_not_ready": "The model is starting. This takes a few minutes after a deployment.",
    "endpoint_timeout": "The model is starting. The first response can take a minute.",
    "timeout": "The model is starting. The first response can take a minute.",
    "explain_timeout": "The model is slow or still starting. Try again in a moment.",
    "endpoint_missing": "The endpoint was deleted or never deployed. The operator of this API can restore it with "
    "`python -m ml.lease extend` and `cdk deploy --all`.",
    "unreachable": "Check your network and API_URL.",
}
"""What to do about an error, added to the API's own message."""


def show_error(error: ApiError, key: str) -> bool:
    """Show an error, with a button to try again if this may help; return whether the button was pressed."""
    message = f"**{error.title}.** {error.detail}"
    if error.code in NEXT_STEPS:
        message += f"\n\n{NEXT_STEPS[error.code]}"
    st.error(message, icon=":material/error:")
    if error.request_id:
        st.caption(f"Request {error.request_id}")
    return error.retryable and st.button("Try again", icon=":material/refresh:", key=f"retry-{key}")
