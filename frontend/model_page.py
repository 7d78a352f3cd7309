"""The page "The model": what is known of it, what it costs, and how long it stays."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from frontend import charts
from frontend.api_models import Lease, Model
from frontend.client import Client, RefusalError
from frontend.refusals import show_refusal
from frontend.session import asked, model_of, opened
from frontend.wording import duration, estimate, threshold_meaning

HEADLINES = {"AUROC": 1, "Sensitivity": 100, "Specificity": 100, "Accuracy": 100}
"""Metrics at the top, and the factor they are shown with."""
SPLITS = {"test": "Test", "validation": "Validation", "validation_stressed": "Perturbed validation"}


def page() -> None:
    """Draw the page."""
    client = opened("The model")
    if client is None:
        return
    model = model_of(client)
    if isinstance(model, RefusalError):
        if show_refusal(model, "model"):
            st.rerun()
        return
    st.markdown(f"Model `{model.version}`, threshold {model.threshold:.4f} ({model.threshold_source}).")
    show_running(client, model)
    if model.evaluation is None:
        st.info(threshold_meaning(None), icon=":material/info:")
        return
    show_evaluation(model, model.evaluation)
    show_limits(model.evaluation)


def show_running(client: Client, model: Model) -> None:
    """Show what the endpoint costs and how long it lives."""
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch"):
        st.markdown("**What it costs now**")
        st.markdown(cost_words(model.cost))
    with right, st.container(border=True, height="stretch"):
        st.markdown("**How long it stays**")
        show_lease(client, model)


def cost_words(cost: Mapping[str, Any] | None) -> str:
    """Return the endpoint's price in words."""
    if cost is None:
        return "No price is known for this endpoint; `python -m ml.cost` takes a price table."
    dated = f"Price of {cost['price_region']}, on demand, read {cost['read']}; check yours."
    if cost["per_inference_second"]:
        return (
            f"Nothing while nobody asks; {cost['per_inference_second']:.5f} {cost['currency']} for each second of an "
            f"inference ({cost['what']}). {dated}"
        )
    day = 24 * cost["per_hour"]
    return (
        f"**{cost['per_hour']:.3f} {cost['currency']} an hour**, {day:.2f} a day ({cost['what']}), for as long as the "
        f"endpoint exists, asked or not. {dated}"
    )


def show_lease(client: Client, model: Model) -> None:
    """Show the lease's time left, and extend it where the API offers that."""
    lease = model.lease
    if lease is None:
        st.markdown("The endpoint stays until somebody deletes it.")
        return
    st.markdown(lease_words(lease))
    if lease.extend_hours is None or lease.seconds_left == 0:
        return
    price = model.cost and model.cost["per_hour"] * lease.extend_hours
    words = f"Extend to {lease.extend_hours} h from now" + (
        f" (up to {price:.2f} {model.cost['currency']})" if model.cost and price else ""
    )
    if not st.button(words, icon=":material/more_time:"):
        return
    try:
        client.extend_lease(lease.extend_hours)
    except RefusalError as refusal:
        st.error(f"**{refusal.title}.** {refusal.detail}", icon=":material/error:")
        return
    asked.clear()
    st.rerun()


def lease_words(lease: Lease) -> str:
    """Return a lease in words."""
    if lease.seconds_left == 0:
        return (
            "The lease is over and the endpoint has deleted itself. `python -m ml.lease extend` and `cdk deploy --all` "
            "bring it back."
        )
    day, _, clock = lease.ends.removesuffix("Z").partition("T")
    return f"The endpoint deletes itself in **{duration(lease.seconds_left)}**, at {clock} UTC on {day}."


def show_evaluation(model: Model, evaluation: Mapping[str, Any]) -> None:
    """Show metrics, warnings, curves and kinds of images."""
    test = evaluation["splits"]["test"]
    st.header("How well it did", anchor=False)
    st.markdown(f"Test images of `{evaluation['dataset']}`; in brackets the 95 % confidence interval.")
    for column, (name, scale) in zip(st.columns(len(HEADLINES)), HEADLINES.items(), strict=True):
        value, _, interval = estimate(test[name], scale).partition(" [")
        column.metric(name, value, border=True)
        column.caption(f"{'[' + interval if interval else 'no interval'}, n = {test[name]['n']:,} {test[name]['unit']}")
    st.markdown(threshold_meaning(evaluation))
    st.markdown(shift_words(evaluation["shift"]["falls"]))
    for words in evaluation.get("warnings", []):
        st.warning(words, icon=":material/warning:")
    if "curves" in evaluation:
        show_curves(model, evaluation)
    with st.expander("All metrics"):
        st.table(metrics_table(evaluation["splits"]), alt="Metrics of each split")
    if evaluation["subgroups"]:
        st.subheader("Kinds of images", anchor=False)
        st.table(subgroup_table(evaluation["subgroups"]), alt="Metrics of each kind of test images")
    if model.report_url:
        st.link_button("Open the full report", model.report_url, icon=":material/open_in_new:")


def shift_words(falls: Mapping[str, float]) -> str:
    """Return how the model fares when the same images are blurred, compressed and moved."""
    changes = ", ".join(f"{name} {0 - round(fall, 3):+.3f}" for name, fall in falls.items())
    return (
        f"On validation images that were blurred, compressed, zoomed and turned as another scanner or archive might: "
        f"{changes} against the same images as they were."
    )


def show_curves(model: Model, evaluation: Mapping[str, Any]) -> None:
    """Show ROC curve, reliability and histogram."""
    curves, auroc = evaluation["curves"], evaluation["splits"]["test"]["AUROC"]
    left, right = st.columns(2)
    for place, title, chart, words in (
        (
            left,
            "ROC curve",
            charts.roc(curves["roc"]),
            f"{curves['roc']['n']:,} test images, with the threshold in use and the 95 % band from resampling "
            f"{auroc['n']:,} {auroc['unit']}",
        ),
        (
            right,
            "Reliability",
            charts.reliability(curves["reliability"]),
            "Share of pneumonia over the mean probability, in bins of equal numbers of images, with 95 % intervals; "
            f"on the diagonal, a probability comes true. {calibration_words(evaluation['calibration'])}",
        ),
        (
            st,
            "Probabilities of the test images",
            charts.histogram(curves["histogram"], model.threshold),
            f"Images by probability and true class, threshold at {model.threshold:.3f}; above ten images the axis is "
            "logarithmic",
        ),
    ):
        place.subheader(title, anchor=False)
        place.altair_chart(chart, width="stretch", alt=f"{title}: {words}")
        place.caption(words + ".")


def calibration_words(calibration: Mapping[str, Any]) -> str:
    """Return the calibration error on test beside what chance alone gives."""
    error = calibration["compared"][calibration["method"]]["test"]["ECE"]
    return (
        f"Expected calibration error on test: {error['value']:.3f}; chance alone gives {error['chance_low']:.3f} to "
        f"{error['chance_high']:.3f} where every probability is right (n = {error['n']:,} {error['unit']})"
    )


def metrics_table(splits: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return every metric with a column for each split."""
    names = list(splits["test"])
    columns = {
        title: [f"{estimate(splits[split][name])} n = {splits[split][name]['n']:,}" for name in names]
        for split, title in SPLITS.items()
    }
    return {"Metric": names, **columns}


def subgroup_table(groups: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the metrics of each kind of images."""
    rows = [(kind, name, one) for kind, found in groups.items() for name, one in found.items()]
    return {
        "Kind": [kind for kind, _, _ in rows],
        "Metric": [name for _, name, _ in rows],
        "Value [95 % CI]": [estimate(one) for _, _, one in rows],
        "n": [f"{one['n']:,}" for _, _, one in rows],
    }


def show_limits(evaluation: Mapping[str, Any]) -> None:
    """Show the data set's audit and the model card."""
    audit = evaluation.get("audit")
    if audit:
        st.header("What the data set gives away", anchor=False)
        for words in audit["sentences"]:
            st.markdown(words)
        with st.expander("Label AUC of single numbers of the files"):
            st.table(audit_table(audit), alt="How well single numbers of the files tell the label")
            st.caption("0.5 says nothing of the label, 1.0 gives it away.")
    card = evaluation.get("card")
    if card:
        st.header("Model card", anchor=False)
        for title, words in card.items():
            st.markdown(f"**{title}.** {words}")


def audit_table(audit: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the audit's numbers, before and after standardising."""
    rows = [(when, name, one) for when in ("before", "after") for name, one in audit[when].items()]
    return {
        "Files": ["as they came" if when == "before" else "standardised" for when, _, _ in rows],
        "Number": [name for _, name, _ in rows],
        "Label AUC [95 % CI]": [estimate(one) for _, _, one in rows],
        "n": [f"{one['n']:,}" for _, _, one in rows],
    }
