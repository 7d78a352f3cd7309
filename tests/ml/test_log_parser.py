"""A training job's log lines, as CloudWatch shows those of a real job of the built-in algorithm."""

import pytest

from ml.errors import UserError
from ml.training import follow
from ml.training.log_parser import JobLog

LINES = [
    "[09/13/2025 23:16:46 INFO 140338] Epoch[0] Batch [20]#011Speed: 122.727 samples/sec#011accuracy=0.550595",
    "[09/13/2025 23:16:50 INFO 140338] Epoch[0] Train-accuracy=0.602823",
    "[09/13/2025 23:16:50 INFO 140338] Epoch[0] Time cost=6.861",
    "[09/13/2025 23:16:51 INFO 140338] Epoch[0] Validation-accuracy=0.531250",
    "[09/13/2025 23:16:51 INFO 140338] Storing the best model with validation accuracy: 0.531250",
    "[09/13/2025 23:16:57 INFO 140338] Epoch[1] Train-accuracy=0.702823",
    "[09/13/2025 23:16:57 INFO 140338] Epoch[1] Time cost=7.139",
    "[09/13/2025 23:16:58 INFO 140338] Epoch[1] Validation-accuracy=0.500000",
]


def test_one_line_an_epoch_with_accuracies_speed_and_time_left() -> None:
    log = JobLog(3)
    shown = [message for line in LINES if (message := log.read(line))]
    assert shown == [
        "epoch 1/3, train accuracy 0.6028, validation accuracy 0.5312, 123 images/s, about 14 s left",
        "epoch 2/3, train accuracy 0.7028, validation accuracy 0.5000, 123 images/s, about 7 s left",
    ]
    assert log.stored == 0.53125


def test_within_an_epoch_the_log_says_how_far_it_is() -> None:
    log = JobLog(3)
    log.read(LINES[0])
    assert log.now == "epoch 1/3, batch 20, 123 images/s, accuracy 0.5506"
    log.read(LINES[1])
    assert log.now == ""


def test_the_accuracy_is_that_of_the_last_stored_model_even_if_an_earlier_one_was_higher() -> None:
    log = JobLog(2)
    for accuracy in ("0.900000", "0.800000"):
        log.read(f"[11/26/2026 12:00:00 INFO 1] Storing the best model with validation accuracy: {accuracy}")
    assert log.stored == 0.8


def test_an_attempt_that_repeats_an_epoch_does_not_count_it_twice_and_its_model_is_the_stored_one() -> None:
    log = JobLog(3)
    for line in [*LINES, LINES[1], LINES[3], LINES[4].replace("0.531250", "0.400000"), LINES[5], LINES[7]]:
        log.read(line)
    assert list(log.epochs) == [0, 1]
    assert log.stored == 0.4


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("CapacityError: Unable to provision requested ML compute capacity.", "try again later"),
        ("ClientError: The list names a.jpg, which is not there, exit code: 1", "which is not there"),
    ],
)
def test_a_failure_is_told_with_its_reason_and_a_remedy(reason: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        follow.check({"TrainingJobName": "job", "TrainingJobStatus": "Failed", "FailureReason": reason})
    assert ".." not in str(caught.value)
