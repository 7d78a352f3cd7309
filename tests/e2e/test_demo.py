"""The whole path over real HTTP: deployments, a job that trained, a transform, an endpoint, the REST API."""

import csv
import html
import json
import os
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import botocore.exceptions
import jsonschema
import numpy as np
import pytest

from ml.evaluation.calibration import Calibration
from radiograph import standardise

from .conftest import ROOT, STAGE, Cloud

pytestmark = pytest.mark.e2e

OPENAPI = "lambda/inference_proxy/openapi.json"


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: dict[str, Any]


def post(cloud: Cloud, body: bytes, *, key: str | None = None, content_type: str = "image/jpeg") -> Answer:
    """Ask the API; a request above the stage's rate is sent again a second later, as its 429 says."""
    headers = {"Content-Type": content_type, "x-api-key": cloud.api.key if key is None else key}
    request = urllib.request.Request(cloud.api.url + "predict", data=body, headers=headers, method="POST")  # noqa: S310
    for _ in range(5):
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return Answer(response.status, response.headers["Content-Type"], json.load(response))
        except urllib.error.HTTPError as error:
            answer = Answer(error.code, error.headers["Content-Type"], json.load(error))
            if answer.status != 429:
                return answer
        time.sleep(1)
    return answer


def test_the_demo_prints_each_metric_with_n_and_interval(cloud: Cloud) -> None:
    for metric in ("AUROC", "Average precision", "Balanced accuracy", "MCC", "Accuracy", "Sensitivity", "Specificity"):
        pattern = rf"^{metric} +[01]\.\d+ +\[\d\.\d+, \d\.\d+\] +\d+ (films|patients)$"
        assert re.search(pattern, cloud.demo_output, re.MULTILINE), f"no {metric} in:\n{cloud.demo_output}"


def test_the_model_tells_normal_phantoms_from_pneumonia_phantoms(cloud: Cloud) -> None:
    normal = [post(cloud, film).body["probability"] for film in cloud.films("NORMAL")]
    pneumonia = [post(cloud, film).body["probability"] for film in cloud.films("PNEUMONIA")]
    assert sum(pneumonia) / len(pneumonia) > sum(normal) / len(normal) + 0.2


def test_a_film_arrives_at_the_endpoint_byte_for_byte(cloud: Cloud) -> None:
    film = cloud.films("PNEUMONIA")[0]
    through_api = post(cloud, film)
    runtime = cloud.session.client("sagemaker-runtime")
    direct = runtime.invoke_endpoint(
        EndpointName=f"pneumonia-{STAGE}", ContentType="image/jpeg", Body=standardise(film)
    )
    scores = json.loads(direct["Body"].read())
    assert through_api.status == 200
    model = json.loads((cloud.project / "cdk.context.json").read_text())[f"model:{STAGE}"]
    expected = Calibration.of(**model["calibration"]).apply(np.array([scores[1]]))[0]
    assert through_api.body["probability"] == pytest.approx(float(expected), abs=1e-9)


def test_a_wrong_key_is_refused(cloud: Cloud) -> None:
    answer = post(cloud, cloud.films("NORMAL")[0], key="wrong-key-of-the-right-length")
    assert (answer.status, answer.body["status"]) == (403, 403)
    assert answer.content_type.startswith("application/problem+json")


def test_an_eleven_megabyte_body_is_too_large_for_the_gateway(cloud: Cloud) -> None:
    answer = post(cloud, os.urandom(11 * 1024 * 1024))
    assert (answer.status, answer.body["code"]) == (413, "too_large")
    assert "4,400,000 bytes" in answer.body["detail"]


def test_a_second_demo_at_once_stops_at_the_taken_port(cloud: Cloud) -> None:
    port = cloud.env["AWS_ENDPOINT_URL"].rpartition(":")[2]
    done = cloud.run("python", "-m", "localaws.demo", "--once", "--port", port)
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in done.stderr


def test_a_five_megabyte_film_is_refused_with_the_limit(cloud: Cloud) -> None:
    answer = post(cloud, b"\xff\xd8\xff" + os.urandom(5_000_000))
    assert answer.status == 413


def test_a_broken_jpeg_is_refused_with_a_code_and_a_sentence(cloud: Cloud) -> None:
    answer = post(cloud, cloud.films("NORMAL")[0][:2000])
    assert answer.status == 400
    assert answer.content_type.startswith("application/problem+json")
    assert answer.body["code"]
    assert answer.body["detail"].endswith(".")


def test_an_unknown_endpoint_is_a_validation_error(cloud: Cloud) -> None:
    runtime = cloud.session.client("sagemaker-runtime")
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        runtime.invoke_endpoint(EndpointName="no-such-endpoint", ContentType="image/jpeg", Body=b"x")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert "no-such-endpoint" in caught.value.response["Error"]["Message"]


def test_a_second_preparation_uploads_nothing(cloud: Cloud) -> None:
    s3 = cloud.session.client("s3")
    before = {
        item["Key"]: item["LastModified"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=cloud.data_bucket, Prefix="datasets/")
        for item in page["Contents"]
        if item["Key"] != "datasets/latest.json"
    }
    again = cloud.run("python", "-m", "ml.prepare", "--stage", STAGE, "--source", "phantom")
    assert again.returncode == 0, again.stderr
    after = {
        item["Key"]: item["LastModified"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=cloud.data_bucket, Prefix="datasets/")
        for item in page["Contents"]
        if item["Key"] != "datasets/latest.json"
    }
    assert after == before


def model_in_context(cloud: Cloud) -> dict[str, Any]:
    context = json.loads((cloud.project / "cdk.context.json").read_text())
    found: dict[str, Any] = context[f"model:{STAGE}"]
    return found


def stored(cloud: Cloud, name: str) -> bytes:
    """Return a file beside the artifact of the model in context."""
    job = model_in_context(cloud)["training_job"]
    key = f"training/{job}/{name}"
    return bytes(cloud.session.client("s3").get_object(Bucket=cloud.data_bucket, Key=key)["Body"].read())


def test_report_run_record_and_context_agree_to_the_last_digit(cloud: Cloud) -> None:
    model = model_in_context(cloud)
    facts, run = json.loads(stored(cloud, "metrics.json")), json.loads(stored(cloud, "run.json"))
    assert model["metrics"] == facts["splits"]["test"]
    assert model["threshold"] == facts["threshold"]
    assert model["artifact"] == facts["artifact"] == run["artifact"]
    assert model["dataset"] == facts["dataset"] == run["dataset"]
    page = stored(cloud, "report.html").decode()
    for name, one in facts["splits"]["test"].items():
        assert f"<td>{name}</td><td>{one['value']:.3f} [" in page


def test_evaluating_again_gives_the_same_metrics_to_the_last_digit(cloud: Cloud) -> None:
    before, context = stored(cloud, "metrics.json"), (cloud.project / "cdk.context.json").read_bytes()
    done = cloud.run("python", "-m", "ml.transform", "--stage", STAGE, "--force")
    assert done.returncode == 0, done.stdout + done.stderr
    assert stored(cloud, "metrics.json") == before
    assert (cloud.project / "cdk.context.json").read_bytes() == context


def test_a_run_is_listed_and_can_be_used_again(cloud: Cloud) -> None:
    path = cloud.project / "cdk.context.json"
    before, job = path.read_bytes(), model_in_context(cloud)["training_job"]
    listed = cloud.run("python", "-m", "ml.train", "--stage", STAGE, "--list").stdout
    assert re.search(rf"^\* {job} .*[01]\.\d{{4}}", listed, re.MULTILINE), listed
    context = json.loads(before)
    del context[f"model:{STAGE}"]
    path.write_text(json.dumps(context))
    assert cloud.run("python", "-m", "ml.train", "--stage", STAGE, "--use", job).returncode == 0
    assert path.read_bytes() == before
    unknown = cloud.run("python", "-m", "ml.train", "--stage", STAGE, "--use", "no-such-job")
    assert (unknown.returncode, "There is no run no-such-job" in unknown.stderr) == (2, True)


def test_any_films_are_scored_into_a_table_and_what_is_no_film_is_named(cloud: Cloud) -> None:
    folder = cloud.project / "any films"
    folder.mkdir()
    (folder / "Röntgen 1.jpg").write_bytes(cloud.films("PNEUMONIA")[0])
    (folder / "notes.txt").write_text("no film")
    target = cloud.project / "scores.csv"
    command = ["python", "-m", "ml.transform", "--stage", STAGE, "--input", str(folder), "--output", str(target)]
    done = cloud.run(*command)
    assert done.returncode == 1
    assert "1 files have no score; the column `error`" in done.stderr
    rows = csv.DictReader(target.read_text(encoding="utf-8").splitlines())
    film, notes = sorted(rows, key=lambda row: row["error"])
    expected = post(cloud, cloud.films("PNEUMONIA")[0]).body
    assert (film["file"], film["label"]) == ("Röntgen 1.jpg", expected["label"])
    assert float(film["probability"]) == pytest.approx(expected["probability"], abs=0.02)
    assert (notes["file"], notes["probability"]) == ("notes.txt", "")
    assert "Received a text" in notes["error"]
    left = cloud.session.client("s3").list_objects_v2(Bucket=cloud.data_bucket, Prefix="transform-input/")
    assert left["KeyCount"] == 0


def test_a_film_that_cannot_be_scored_is_named_and_nothing_is_recorded(cloud: Cloud) -> None:
    s3 = cloud.session.client("s3")
    key = f"datasets/{model_in_context(cloud)['dataset']}/test/NORMAL/"
    first = s3.list_objects_v2(Bucket=cloud.data_bucket, Prefix=key, MaxKeys=1)["Contents"][0]["Key"]
    kept = s3.get_object(Bucket=cloud.data_bucket, Key=first)["Body"].read()
    before = (cloud.project / "cdk.context.json").read_bytes()
    s3.put_object(Bucket=cloud.data_bucket, Key=first, Body=b"broken")
    try:
        done = cloud.run("python", "-m", "ml.transform", "--stage", STAGE, "--force")
    finally:
        s3.put_object(Bucket=cloud.data_bucket, Key=first, Body=kept)
    assert done.returncode == 1
    assert f"test/NORMAL/{first.rsplit('/', 1)[-1]}: no output" in done.stderr
    assert "Nothing was recorded" in done.stderr
    assert "AUROC" in done.stdout
    assert (cloud.project / "cdk.context.json").read_bytes() == before


def test_training_that_cannot_start_says_why_and_changes_nothing(cloud: Cloud) -> None:
    before = (cloud.project / "cdk.context.json").read_bytes()
    train = ["python", "-m", "ml.train", "--stage", STAGE]
    for options, code, told in [
        (["--epochs", "none"], 2, "--epochs none is not allowed; it must be a whole number at least 1"),
        ([], 2, "there is no terminal to ask on; add --yes"),
        (["--instance-type", "ml.g6.xlarge", "--yes"], 2, "ml.g6.xlarge cannot run the algorithm"),
        (["--dataset", "films/ffff", "--yes"], 1, "no complete data set films/ffff"),
    ]:
        done = cloud.run(*train, *options)
        assert (done.returncode, told in done.stderr) == (code, True), done.stderr
    assert (cloud.project / "cdk.context.json").read_bytes() == before


def test_a_second_deploy_finds_no_differences(cloud: Cloud) -> None:
    again = cloud.run("cdk", "diff", "--fail", "--context", f"stage={STAGE}")
    assert again.returncode == 0, again.stdout + again.stderr


def asked(cloud: Cloud, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str, bytes]:
    """Ask the API; return status, content type and body. A request above the stage's rate is sent again."""
    given = {"x-api-key": cloud.api.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(cloud.api.url + path, data=body, headers=given)  # noqa: S310
    for _ in range(5):
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return response.status, response.headers["Content-Type"], response.read()
        except urllib.error.HTTPError as error:
            if error.code != 429:
                return error.code, error.headers["Content-Type"], error.read()
        time.sleep(1)
    raise AssertionError("throttled five times")


def test_the_heat_map_is_numbers_or_a_picture_as_the_caller_accepts(cloud: Cloud) -> None:
    film = cloud.films("PNEUMONIA")[0]
    status, kind, body = asked(cloud, "explain", film, Content_Type="image/jpeg")
    heat = json.loads(body)["heat_map"]
    assert (status, kind, heat["complete"], heat["calls"]) == (200, "application/json", True, 50)
    status, kind, body = asked(cloud, "explain", film, Content_Type="image/jpeg", Accept="image/png")
    assert (status, kind, body[:4]) == (200, "image/png", b"\x89PNG")


def test_a_film_goes_by_way_of_an_upload(cloud: Cloud) -> None:
    film = cloud.films("PNEUMONIA")[0]
    announced = json.dumps({"content_type": "image/jpeg", "bytes": len(film)}).encode()
    status, _, body = asked(cloud, "uploads", announced, Content_Type="application/json")
    place = json.loads(body)
    assert status == 201
    put = urllib.request.Request(place["url"], film, place["headers"], method="PUT")  # noqa: S310
    with urllib.request.urlopen(put, timeout=60) as response:  # noqa: S310
        assert response.status == 200
    reference = json.dumps({"upload_id": place["upload_id"]}).encode()
    status, _, body = asked(cloud, "predict", reference, Content_Type="application/json")
    assert (status, json.loads(body)["probability"]) == (200, post(cloud, film).body["probability"])


def test_the_model_says_what_its_evaluation_found(cloud: Cloud) -> None:
    _, _, body = asked(cloud, "model")
    found = json.loads(body)
    assert found["evaluation"]["splits"]["test"] == model_in_context(cloud)["metrics"]
    assert "worst" not in found["evaluation"]
    with urllib.request.urlopen(found["report_url"], timeout=60) as report:  # noqa: S310
        assert report.read() == stored(cloud, "report.html")
    assert len(body) < 500_000


def test_the_model_says_what_a_page_draws_and_what_the_endpoint_costs(cloud: Cloud) -> None:
    found = json.loads(asked(cloud, "model")[2])
    roc = found["evaluation"]["curves"]["roc"]
    assert (roc["points"][0], roc["points"][-1], roc["n"]) == ([0, 0], [1, 1], 120)
    assert set(found["evaluation"]["curves"]["reliability"]) == {"validation", "validation_stressed", "test"}
    assert sum(map(sum, (found["evaluation"]["curves"]["histogram"][name] for name in ("NORMAL", "PNEUMONIA")))) == 120
    page = html.unescape(stored(cloud, "report.html").decode())
    for words in [*found["evaluation"]["card"].values(), *found["evaluation"]["warnings"]]:
        assert words in page
    audit = found["evaluation"]["audit"]
    assert audit["sentences"]
    assert set(audit["before"]["file size"]) == set(audit["after"]["file size"]) == {"value", "low", "high", "n"}
    assert found["cost"]["per_hour"] == json.loads((ROOT / "ml/prices.json").read_text())["hosting_hour"]["ml.m5.large"]
    assert found["cost"]["what"] == "1 x ml.m5.large"
    schema = json.loads((ROOT / OPENAPI).read_text())
    jsonschema.validate(found, schema["components"]["schemas"]["Model"] | {"components": schema["components"]})


def test_a_caller_puts_the_lease_off_and_everybody_is_told(cloud: Cloud) -> None:
    scheduler = cloud.session.client("scheduler")
    written = json.loads((cloud.project / "cdk.context.json").read_text())[f"lease:{STAGE}"]["ends"]
    before = json.loads(asked(cloud, "model")[2])["lease"]
    assert (before["ends"], before["extend_hours"]) == (f"{written}Z", 8)
    assert 0 < before["seconds_left"] <= 8 * 3600
    status, _, body = asked(cloud, "lease", b'{"hours": 8}', Content_Type="application/json")
    after = json.loads(body)
    assert status == 200
    assert after["ends"] > before["ends"]
    expression = scheduler.get_schedule(Name=f"pneumonia-{STAGE}-lease")["ScheduleExpression"]
    assert expression == f"at({after['ends'].removesuffix('Z')})"
    assert json.loads(asked(cloud, "model")[2])["lease"]["ends"] == after["ends"]
    told = cloud.run("python", "-m", "ml.lease", "--stage", STAGE, "status").stdout
    assert f"deletes itself at {after['ends'].removesuffix('Z')} UTC" in told
    assert f"cdk.context.json says {written}" in told
    status, _, body = asked(cloud, "lease", b'{"hours": 9}', Content_Type="application/json")
    assert (status, json.loads(body)["code"]) == (422, "invalid_hours")


def test_the_api_describes_itself(cloud: Cloud) -> None:
    status, _, body = asked(cloud, "openapi.json")
    assert (status, body) == (200, json.dumps(json.loads((ROOT / OPENAPI).read_text())).encode())


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [("nowhere", None, 404, "not_found"), ("predict", None, 404, "not_found"), ("health/deep", None, 404, "not_found")],
)
def test_what_the_gateway_refuses_is_a_problem_too(
    cloud: Cloud, path: str, body: bytes | None, status: int, code: str
) -> None:
    found, kind, answer = asked(cloud, path, body)
    assert (found, kind, json.loads(answer)["code"]) == (status, "application/problem+json", code)


def test_a_silent_rollback_reads_as_a_failure(cloud: Cloud) -> None:
    verify = ["python", "-m", "ml.verify", "--stage", STAGE]
    done = cloud.run(*verify)
    assert done.returncode == 0, done.stdout + done.stderr
    sagemaker, name = cloud.session.client("sagemaker"), f"pneumonia-{STAGE}"
    deployed = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=deployed)
    sagemaker.create_endpoint_config(EndpointConfigName="before", ProductionVariants=config["ProductionVariants"])
    try:
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName="before")
        done = cloud.run(*verify)
    finally:
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=deployed)
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})
        sagemaker.delete_endpoint_config(EndpointConfigName="before")
    assert done.returncode == 1
    assert f"runs before, and {deployed} was deployed: the update was rolled back" in done.stderr


def test_a_lease_is_extended_at_once_and_after_its_end_a_deployment_makes_the_endpoint_anew(cloud: Cloud) -> None:
    lease = ["python", "-m", "ml.lease", "--stage", STAGE]
    scheduler, sagemaker = cloud.session.client("scheduler"), cloud.session.client("sagemaker")
    before = scheduler.get_schedule(Name=f"pneumonia-{STAGE}-lease")
    assert cloud.run(*lease, "extend", "--hours", "3").returncode == 0
    after = scheduler.get_schedule(Name=f"pneumonia-{STAGE}-lease")
    assert after["ScheduleExpression"] < before["ScheduleExpression"]
    assert (after["Target"], after["FlexibleTimeWindow"]) == (before["Target"], before["FlexibleTimeWindow"])
    assert re.search("in (2 h 59|3 h 0) min", cloud.run(*lease, "status").stdout)
    refused = cloud.run(*lease, "end")
    assert (refused.returncode, "add --yes" in refused.stderr) == (2, True)
    assert cloud.run(*lease, "end", "--yes").returncode == 0
    status, _, body = asked(cloud, "lease", b'{"hours": 8}', Content_Type="application/json")
    assert (status, json.loads(body)["code"]) == (409, "lease_over")
    told = cloud.run(*lease, "extend").stdout
    assert f"it makes pneumonia-{STAGE}-2" in told
    deployed = cloud.run("cdk", "deploy", "--all", "--require-approval", "never", "--context", f"stage={STAGE}")
    assert deployed.returncode == 0, deployed.stderr
    assert [one["EndpointName"] for one in sagemaker.list_endpoints()["Endpoints"]] == [f"pneumonia-{STAGE}-2"]
    assert scheduler.get_schedule(Name=f"pneumonia-{STAGE}-lease")["State"] == "ENABLED"
    assert cloud.run("python", "-m", "ml.verify", "--stage", STAGE).returncode == 0


def test_destroy_leaves_nothing(cloud: Cloud) -> None:
    """Runs last: it takes down what the tests above use."""
    done = cloud.run("cdk", "destroy", "--all", "--force", "--context", f"stage={STAGE}")
    assert done.returncode == 0, done.stdout + done.stderr
    client = cloud.session.client
    sagemaker = client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_models()["Models"] == []
    assert client("lambda").list_functions()["Functions"] == []
    assert client("apigateway").get_rest_apis()["items"] == []
    assert client("apigateway").get_api_keys()["items"] == []
    assert [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"] if "cdk-" not in bucket["Name"]] == []
    roles = [role["RoleName"] for role in client("iam").list_roles()["Roles"]]
    assert [name for name in roles if name.lower().startswith("pneumonia-")] == []
