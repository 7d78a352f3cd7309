"""cdk-nag's AwsSolutions rules: every finding is fixed, or acknowledged on its resource with a reason."""

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks
from constructs import Construct


def check(app: cdk.App) -> None:
    """Let synth fail on a finding that is not acknowledged."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def acknowledge(construct: Construct, rule: str, reason: str) -> None:
    """Accept one finding on a construct and its children; the validation report contains the reason."""
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason))
