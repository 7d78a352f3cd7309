"""The model of a stage: released, in the stage's bucket, and with a graph for the function."""

from typing import Any

from ml import preflight_checks
from ml import project as files
from tests.localaws.server.builders import Server
from tests.ml.conftest import STAGE

from .builders import state_of

HOSTED = {"hosting": "realtime"}


def model_entry(bucket: str, job: str, **changes: Any) -> dict[str, Any]:
    artifact = f"s3://{bucket}/training/{job}/output/model.tar.gz"
    return {"artifact": artifact, "training_job": job, "gate": "passed", "metrics": {}} | changes


def test_a_model_whose_artifact_is_gone_fails_and_one_that_is_there_is_ok(account: Server) -> None:
    files.write(f"model:{STAGE}", model_entry("images", "preflight"))
    assert state_of(preflight_checks.model, STAGE, HOSTED)[0] == "fails"
    account.client("s3").put_object(Bucket="images", Key="training/preflight/output/model.tar.gz", Body=b"x")
    assert state_of(preflight_checks.model, STAGE, HOSTED)[0] == "ok"


def test_a_model_that_missed_the_gate_fails_and_one_that_was_not_evaluated_is_not_yet_released(account: Server) -> None:
    account.client("s3").put_object(Bucket="images", Key="training/gate/output/model.tar.gz", Body=b"x")
    files.write(f"model:{STAGE}", model_entry("images", "gate", gate="AUROC is below 0.9"))
    state, message = state_of(preflight_checks.model, STAGE, HOSTED)
    assert (state, "AUROC is below 0.9" in message) == ("fails", True)
    untested = model_entry("images", "gate", gate="run `python -m ml.transform`")
    del untested["metrics"]
    files.write(f"model:{STAGE}", untested)
    state, message = state_of(preflight_checks.model, STAGE, HOSTED)
    assert (state, "ml.transform" in message) == ("not yet", True)


def test_a_model_in_another_bucket_than_the_stages_own_fails(account: Server) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="another-region")
    s3.put_object(Bucket="another-region", Key="training/elsewhere/output/model.tar.gz", Body=b"x")
    for stage in (STAGE, "undeployed"):
        files.write(f"model:{stage}", model_entry("another-region", "elsewhere"))
        state, message = state_of(preflight_checks.model, stage, HOSTED)
        assert state == "fails"
        assert "s3://another-region/" in message
        assert f"python -m ml.train --stage {stage}" in message


def test_a_model_for_the_function_needs_its_graph(account: Server) -> None:
    account.client("s3").put_object(Bucket="images", Key="training/graph/output/model.tar.gz", Body=b"x")
    entry = model_entry("images", "graph")
    files.write(f"model:{STAGE}", entry)
    function = {"hosting": "function"}
    state, message = state_of(preflight_checks.model, STAGE, function)
    assert (state, f"python -m ml.export --stage {STAGE}" in message) == ("not yet", True)
    files.write(f"model:{STAGE}", entry | {"graph": {"uri": "s3://images/training/graph/model.onnx", "sha256": "0"}})
    state, message = state_of(preflight_checks.model, STAGE, function)
    assert (state, "training/graph/model.onnx does not exist" in message) == ("fails", True)
    account.client("s3").put_object(Bucket="images", Key="training/graph/model.onnx", Body=b"x")
    assert state_of(preflight_checks.model, STAGE, function)[0] == "ok"
