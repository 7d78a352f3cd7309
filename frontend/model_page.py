"""The page "The model": its cost, its lease and its evaluation."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from frontend import charts
from frontend.api_models import LeaseStatus, Model
from frontend.client import ApiError
from frontend.error_messages import show_error
from frontend.formatting import duration, estimate, threshold_meaning
from frontend.page_setup import deployed_model, start_page

HEADLINES = {"AUROC": 1, "Sensitivity": 100, "Specificity": 100, "Accuracy": 100}
"""Metrics at the top, with the factor they are multiplied by."""
NO_ENDPOINT = "The API's function runs the model. There is no endpoint, and nothing to lease."
SPLITS = {"test": "Test", "validation": "Validation", "validation_perturbed": "Perturbed validation"}


def page() -> None:
    """Draw the page."""
    client = start_page("The model")
    if client is None:
        return
    model = deployed_model(client)
    if isinstance(model, ApiError):
        if show_error(model, "model"):
            st.rerun()
        return
    st.markdown(f"Model `{model.model_version}`, threshold {model.threshold:.4f} ({model.threshold_source}).")
    show_operation(model)
    if model.evaluation is None:
        st.info(threshold_meaning(None), icon=":material/info:")
        return
    show_evaluation(model, model.evaluation)
    show_external_validation(model.evaluation)
    show_limits(model.evaluation)


def show_operation(model: Model) -> None:
    """Show the endpoint's cost and lease."""
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch"):
        st.markdown("**Cost**")
        st.markdown(cost_text(model.cost))
    with right, st.container(border=True, height="stretch"):
        st.markdown("**Lease**")
        st.markdown(lease_text(model.lease) if model.endpoint else NO_ENDPOINT)


def cost_text(cost: Mapping[str, Any] | None) -> str:
    """Return the endpoint's price in words."""
    if cost is None:
        return "The price of this endpoint is not known. Run `python -m ml.cost` with a price table."
    source = f"On-demand price for {cost['price_region']}, read on {cost['read']}. Check the current price."
    if cost["per_inference_second"]:
        return (
            f"{cost['per_inference_second']:.5f} {cost['currency']} for each second of inference ({cost['what']}), "
            f"nothing while it is idle. {source}"
        )
    day = 24 * cost["per_hour"]
    return (
        f"**{cost['per_hour']:.3f} {cost['currency']} an hour**, {day:.2f} a day ({cost['what']}), while the endpoint "
        f"exists, also when it is idle. {source}"
    )


def lease_text(lease: LeaseStatus | None) -> str:
    """Return a lease in words."""
    if lease is None:
        return "The endpoint has no lease: it runs until you delete it."
    if lease.seconds_left == 0:
        return (
            "The lease is over and the endpoint was deleted. Restore it with `python -m ml.lease extend` and "
            "`cdk deploy --all`."
        )
    day, _, time = lease.ends.removesuffix("Z").partition("T")
    return (
        f"The endpoint will be deleted in **{duration(lease.seconds_left)}**, at {time} UTC on {day}. Extend the "
        "lease with `python -m ml.lease extend`."
    )


def show_evaluation(model: Model, evaluation: Mapping[str, Any]) -> None:
    """Show metrics, warnings, curves and subgroups."""
    test = evaluation["splits"]["test"]
    st.header("Evaluation", anchor=False)
    st.markdown(f"Test images of `{evaluation['dataset']}`, with 95 % confidence intervals in brackets.")
    for column, (name, scale) in zip(st.columns(len(HEADLINES)), HEADLINES.items(), strict=True):
        value, _, interval = estimate(test[name], scale).partition(" [")
        column.metric(name, value, border=True)
        column.caption(f"{'[' + interval if interval else 'no interval'}, n = {test[name]['n']:,} {test[name]['unit']}")
    st.markdown(threshold_meaning(evaluation))
    st.markdown(shift_text(evaluation["shift"]["falls"]))
    for warning in evaluation.get("warnings", []):
        st.warning(warning, icon=":material/warning:")
    if "curves" in evaluation:
        show_curves(model, evaluation)
    with st.expander("All metrics"):
        columns = {title: evaluation["splits"][split] for split, title in SPLITS.items()}
        st.table(metrics_table(columns), alt="Metrics of each split")
    if evaluation["subgroups"]:
        st.subheader("Subgroups", anchor=False)
        st.table(subgroup_table(evaluation["subgroups"]), alt="Metrics of each subgroup of test images")
    if model.report_url:
        st.link_button("Open the full report", model.report_url, icon=":material/open_in_new:")


def shift_text(falls: Mapping[str, float]) -> str:
    """Return the change of each metric from clean to perturbed validation images."""
    changes = ", ".join(f"{name} {0 - round(fall, 3):+.3f}" for name, fall in falls.items())
    return (
        f"Perturbed validation images (blurred, compressed, zoomed, rotated) compared with the clean ones: {changes}."
    )


def show_curves(model: Model, evaluation: Mapping[str, Any]) -> None:
    """Show ROC curve, reliability and histogram."""
    curves, auroc = evaluation["curves"], evaluation["splits"]["test"]["AUROC"]
    left, right = st.columns(2)
    for container, title, chart, caption in (
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
            "Fraction of pneumonia over the mean probability, in bins of equal numbers of images, with 95 % intervals. "
            f"On the diagonal, the probabilities are correct. {calibration_text(evaluation['calibration'])}",
        ),
        (
            st,
            "Probabilities of the test images",
            charts.histogram(curves["histogram"], model.threshold),
            f"Images by probability and true class, threshold at {model.threshold:.3f}. Above ten images the axis is "
            "logarithmic",
        ),
    ):
        container.subheader(title, anchor=False)
        container.altair_chart(chart, width="stretch", alt=f"{title}: {caption}")
        container.caption(caption + ".")


def calibration_text(calibration: Mapping[str, Any]) -> str:
    """Return the calibration error on test beside that of a perfectly calibrated model."""
    error = calibration["compared"][calibration["method"]]["test"]["ECE"]
    return (
        f"Expected calibration error on test: {error['value']:.3f}. A perfectly calibrated model has "
        f"{error['chance_low']:.3f} to {error['chance_high']:.3f} by chance (n = {error['n']:,} {error['unit']})"
    )


def show_external_validation(evaluation: Mapping[str, Any]) -> None:
    """Show the metrics on the data set of each other population beside those on the test images."""
    st.header("External validation", anchor=False)
    recorded = evaluation.get("external")
    if not recorded:
        st.markdown("None recorded. Nothing is known about images of another population.")
        return
    st.markdown("All images of each data set, with threshold and calibration unchanged.")
    columns = {f"Test images of {evaluation['dataset']}": evaluation["splits"]["test"]}
    columns |= {name: record["metrics"] for name, record in recorded.items()}
    st.table(metrics_table(columns), alt="Metrics on the test images and on each other population")


def metrics_table(columns: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return every metric, with a column for each title."""
    names = list(next(iter(columns.values())))
    values = {
        title: [f"{estimate(metrics[name])} n = {metrics[name]['n']:,} {metrics[name]['unit']}" for name in names]
        for title, metrics in columns.items()
    }
    return {"Metric": names, **values}


def subgroup_table(subgroups: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the metrics of each subgroup."""
    rows = [(group, name, metric) for group, metrics in subgroups.items() for name, metric in metrics.items()]
    return {
        "Subgroup": [group for group, _, _ in rows],
        "Metric": [name for _, name, _ in rows],
        "Value [95 % CI]": [estimate(metric) for _, _, metric in rows],
        "n": [f"{metric['n']:,}" for _, _, metric in rows],
    }


def show_limits(evaluation: Mapping[str, Any]) -> None:
    """Show the data set's audit and the model card."""
    audit = evaluation.get("audit")
    if audit:
        st.header("Shortcuts in the data set", anchor=False)
        for sentence in audit["sentences"]:
            st.markdown(sentence)
        with st.expander("AUC of single file properties for the label"):
            st.table(audit_table(audit), alt="AUC of single file properties for the label")
            st.caption("0.5 means that the property is unrelated to the label, 1.0 that it reveals the label.")
    card = evaluation.get("card")
    if card:
        st.header("Model card", anchor=False)
        for title, text in card.items():
            st.markdown(f"**{title}.** {text}")


def audit_table(audit: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the AUC of each file property, before and after standardising."""
    rows = [(stage, name, metric) for stage in ("before", "after") for name, metric in audit[stage].items()]
    return {
        "Files": ["original" if stage == "before" else "standardised" for stage, _, _ in rows],
        "Property": [name for _, name, _ in rows],
        "AUC [95 % CI]": [estimate(metric) for _, _, metric in rows],
        "n": [f"{metric['n']:,}" for _, _, metric in rows],
    }
