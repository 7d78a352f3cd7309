"""The deployed REST API over HTTP."""

import html
import json
import os
import urllib.request

import botocore.exceptions
import jsonschema
import numpy as np
import pytest

from ml.dataset.sources.phantoms import PHANTOMS
from ml.evaluation.calibration import LogitCalibration
from radiograph import encode, standardise

from ..builders import ROOT, STAGE, Demo
from .calls import asked, model_in_context, post, stored

OPENAPI = "lambda/inference_proxy/openapi.json"
TEST_IMAGES = PHANTOMS // 5


def test_an_image_arrives_at_the_endpoint_byte_for_byte(cloud: Demo) -> None:
    image = cloud.images("PNEUMONIA")[0]
    through_api = post(cloud, image)
    runtime = cloud.session.client("sagemaker-runtime")
    direct = runtime.invoke_endpoint(
        EndpointName=f"pneumonia-{STAGE}", ContentType="image/jpeg", Body=encode(standardise(image))
    )
    scores = json.loads(direct["Body"].read())
    assert through_api.status == 200
    model = json.loads((cloud.project / "cdk.context.json").read_text())[f"model:{STAGE}"]
    expected = LogitCalibration.of(**model["calibration"]).apply(np.array([scores[1]]))[0]
    assert through_api.body["probability"] == pytest.approx(float(expected), abs=1e-9)


def test_a_wrong_key_is_refused(cloud: Demo) -> None:
    answer = post(cloud, cloud.images("NORMAL")[0], key="wrong-key-of-the-right-length")
    assert (answer.status, answer.body["status"]) == (403, 403)
    assert answer.content_type.startswith("application/problem+json")


def test_a_body_above_the_limits_of_aws_is_refused_without_a_problem_document(cloud: Demo) -> None:
    status, kind, body = asked(cloud, "predict", b"\xff\xd8\xff" + os.urandom(5_000_000), Content_Type="image/jpeg")
    assert (status, kind, json.loads(body)) == (413, "application/json", {"message": "Request Too Long"})
    status, kind, body = asked(cloud, "predict", os.urandom(11 * 1024 * 1024), Content_Type="image/jpeg")
    assert (status, kind) == (413, "text; charset=utf-8")
    assert b"10485760" in body


def test_an_image_above_the_limit_that_aws_accepts_is_a_problem(cloud: Demo) -> None:
    answer = post(cloud, b"\xff\xd8\xff" + os.urandom(4_500_000))
    assert (answer.status, answer.body["code"]) == (413, "too_large")
    assert "4,400,000" in answer.body["detail"]


def test_a_broken_jpeg_is_refused_with_a_code_and_a_sentence(cloud: Demo) -> None:
    answer = post(cloud, cloud.images("NORMAL")[0][:2000])
    assert answer.status == 400
    assert answer.content_type.startswith("application/problem+json")
    assert answer.body["code"]
    assert answer.body["detail"].endswith(".")


def test_an_unknown_endpoint_is_a_validation_error(cloud: Demo) -> None:
    runtime = cloud.session.client("sagemaker-runtime")
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        runtime.invoke_endpoint(EndpointName="no-such-endpoint", ContentType="image/jpeg", Body=b"x")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert "no-such-endpoint" in caught.value.response["Error"]["Message"]


def test_the_heat_map_is_numbers_or_a_picture_as_the_caller_accepts(cloud: Demo) -> None:
    image = cloud.images("PNEUMONIA")[0]
    status, kind, body = asked(cloud, "explain", image, Content_Type="image/jpeg")
    heat = json.loads(body)["heat_map"]
    assert (status, kind, heat["complete"]) == (200, "application/json", True)
    assert heat["calls"] == 1 + heat["rows"] * heat["columns"]
    status, kind, body = asked(cloud, "explain", image, Content_Type="image/jpeg", Accept="image/png")
    assert (status, kind, body[:4]) == (200, "image/png", b"\x89PNG")


def test_an_image_goes_by_way_of_an_upload(cloud: Demo) -> None:
    image = cloud.images("PNEUMONIA")[0]
    announced = json.dumps({"content_type": "image/jpeg", "bytes": len(image)}).encode()
    status, _, body = asked(cloud, "uploads", announced, Content_Type="application/json")
    place = json.loads(body)
    assert status == 201
    put = urllib.request.Request(place["url"], image, place["headers"], method="PUT")  # noqa: S310
    with urllib.request.urlopen(put, timeout=60) as response:  # noqa: S310
        assert response.status == 200
    reference = json.dumps({"upload_id": place["upload_id"]}).encode()
    status, _, body = asked(cloud, "predict", reference, Content_Type="application/json")
    assert (status, json.loads(body)["probability"]) == (200, post(cloud, image).body["probability"])


def test_the_model_says_what_its_evaluation_found(cloud: Demo) -> None:
    _, _, body = asked(cloud, "model")
    found = json.loads(body)
    assert found["evaluation"]["splits"]["test"] == model_in_context(cloud)["metrics"]
    assert "worst" not in found["evaluation"]
    with urllib.request.urlopen(found["report_url"], timeout=60) as report:  # noqa: S310
        assert report.read() == stored(cloud, "report.html")
    assert len(body) < 500_000


def test_the_model_says_what_a_page_draws_and_what_the_endpoint_costs(cloud: Demo) -> None:
    found = json.loads(asked(cloud, "model")[2])
    roc = found["evaluation"]["curves"]["roc"]
    assert (roc["points"][0], roc["points"][-1], roc["n"]) == ([0, 0], [1, 1], TEST_IMAGES)
    assert set(found["evaluation"]["curves"]["reliability"]) == {"validation", "validation_perturbed", "test"}
    histogram = found["evaluation"]["curves"]["histogram"]
    assert sum(histogram["NORMAL"]) + sum(histogram["PNEUMONIA"]) == TEST_IMAGES
    page = html.unescape(stored(cloud, "report.html").decode())
    for words in [*found["evaluation"]["card"].values(), *found["evaluation"]["warnings"]]:
        assert words in page
    audit = found["evaluation"]["audit"]
    assert audit["sentences"]
    assert set(audit["before"]["file size"]) == set(audit["after"]["file size"]) == {"value", "low", "high", "n"}
    assert (
        found["cost"]["per_hour"]
        == json.loads((ROOT / "ml/training/prices.json").read_text())["hosting_hour"]["ml.m5.large"]
    )
    assert found["cost"]["what"] == "1 x ml.m5.large"
    schema = json.loads((ROOT / OPENAPI).read_text())
    jsonschema.validate(found, schema["components"]["schemas"]["Model"] | {"components": schema["components"]})


def test_the_api_shows_the_lease_and_cannot_change_it(cloud: Demo) -> None:
    written = json.loads((cloud.project / "cdk.context.json").read_text())[f"lease:{STAGE}"]["ends"]
    lease = json.loads(asked(cloud, "model")[2])["lease"]
    assert lease["ends"] == f"{written}Z"
    assert 0 < lease["seconds_left"] <= 8 * 3600
    schedule = cloud.session.client("scheduler").get_schedule(Name=f"pneumonia-{STAGE}-lease")
    assert schedule["ScheduleExpression"] == f"at({written})"
    status, _, body = asked(cloud, "lease", b'{"hours": 8}', Content_Type="application/json")
    assert (status, json.loads(body)["code"]) == (404, "not_found")


def test_the_api_describes_itself(cloud: Demo) -> None:
    status, _, body = asked(cloud, "openapi.json")
    assert (status, body) == (200, json.dumps(json.loads((ROOT / OPENAPI).read_text())).encode())


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [("nowhere", None, 404, "not_found"), ("predict", None, 404, "not_found"), ("health/deep", None, 404, "not_found")],
)
def test_what_the_gateway_refuses_is_a_problem_too(
    cloud: Demo, path: str, body: bytes | None, status: int, code: str
) -> None:
    found, kind, answer = asked(cloud, path, body)
    assert (found, kind, json.loads(answer)["code"]) == (status, "application/problem+json", code)
