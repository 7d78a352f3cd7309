"""The plan of a preparation's jobs."""

import pytest

from ml.processing import estimate
from ml.training import prices

TYPE = "ml.m5.2xlarge"


def test_more_instances_shorten_the_jobs_and_cost_their_starts_only() -> None:
    table = prices.read(None)
    one, four = (estimate.plan(table, TYPE, count, 100_000, 3) for count in (1, 4))
    assert four.duration < one.duration
    assert four.billed - one.billed == pytest.approx(6 * estimate.START)


def test_an_image_takes_two_reads_and_a_write_for_itself_and_for_each_variant() -> None:
    plan = estimate.plan(prices.read(None), TYPE, 1, 1_000_000, 3)
    assert plan.gets == pytest.approx(2_000_000, rel=0.01)
    assert plan.puts == pytest.approx(3_200_000, rel=0.01)
    assert plan.requests == pytest.approx(2_000 * 0.0004 + 3_200 * 0.005, rel=0.01)


def test_a_table_without_prices_of_requests_gives_no_price() -> None:
    table = {name: value for name, value in prices.read(None).items() if not name.startswith("s3_")}
    plan = estimate.plan(table, TYPE, 1, 1000, 3)
    assert plan.cost is None
    assert "an unknown price" in estimate.sentence(plan, "USD")
