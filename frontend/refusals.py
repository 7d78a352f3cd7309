"""Why there is no answer, and what the person in front of the app can do."""

import streamlit as st

from frontend.client import RefusalError

NEXT_STEPS = {
    "invalid_api_key": "The app's API_KEY does not open this API: set the key of this deployment and restart the app.",
    "access_denied": "The app may not use this API: check the key and who may call it, then restart the app.",
    "throttled": "Wait a few seconds, then try again.",
    "endpoint_throttled": "The model is busy. Wait a few seconds, then try again.",
    "quota_exceeded": "Whoever runs this API can raise the key's daily quota (`daily_quota`).",
    "not_a_radiograph": "This check is made by simple rules and can be wrong: if it is a frontal chest radiograph, "
    "save it upright, uncropped and not inverted, and choose it again.",
    "too_large": "Save the image as a smaller JPEG and choose it again.",
    "endpoint_not_ready": "The model is being started; that takes a few minutes after a deployment.",
    "endpoint_timeout": "The model is waking up: the first answer of a sleeping endpoint takes up to a minute.",
    "timeout": "The model is waking up: the first answer of a sleeping endpoint takes up to a minute.",
    "explain_timeout": "The model is slow or waking up; ask again in a moment.",
    "endpoint_missing": "The endpoint is asleep: its lease is over or it was never deployed. Whoever runs this API "
    "brings it back with `python -m ml.lease extend` and `cdk deploy --all`.",
    "unreachable": "Check your network; whoever runs this app finds its address in API_URL.",
}
"""What the API's own sentence does not say."""


def show_refusal(refusal: RefusalError, key: str) -> bool:
    """Show a refusal with a button to try again where that may help; return whether it was pressed."""
    reason = [f"**{refusal.title}.** {refusal.detail}"]
    if refusal.code in NEXT_STEPS:
        reason.append(NEXT_STEPS[refusal.code])
    st.error("\n\n".join(reason), icon=":material/error:")
    if refusal.request_id:
        st.caption(f"Request {refusal.request_id}")
    return refusal.retryable and st.button("Try again", icon=":material/refresh:", key=f"retry-{key}")
