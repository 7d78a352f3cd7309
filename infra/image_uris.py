"""The repositories of the algorithms' container images, by region.

Accounts: sagemaker-core 2.27.0, image_uri_config/image-classification.json (one image trains and serves) and
pytorch.json. `ml.train` writes the image that serves a model into cdk.context.json.
"""

from typing import Final

ACCOUNTS: Final = {
    "af-south-1": "455444449433",
    "ap-east-1": "286214385809",
    "ap-northeast-1": "501404015308",
    "ap-northeast-2": "306986355934",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "991648021394",
    "ap-south-2": "628508329040",
    "ap-southeast-1": "475088953585",
    "ap-southeast-2": "544295431143",
    "ap-southeast-3": "951798379941",
    "ap-southeast-4": "106583098589",
    "ca-central-1": "469771592824",
    "ca-west-1": "190319476487",
    "cn-north-1": "390948362332",
    "cn-northwest-1": "387376663083",
    "eu-central-1": "813361260812",
    "eu-central-2": "680994064768",
    "eu-north-1": "669576153137",
    "eu-south-1": "257386234256",
    "eu-south-2": "104374241257",
    "eu-west-1": "685385470294",
    "eu-west-2": "644912444149",
    "eu-west-3": "749696950732",
    "il-central-1": "898809789911",
    "me-central-1": "272398656194",
    "me-south-1": "249704162688",
    "sa-east-1": "855470959533",
    "us-east-1": "811284229777",
    "us-east-2": "825641698319",
    "us-gov-east-1": "237065988967",
    "us-gov-west-1": "226302683700",
    "us-iso-east-1": "490574956308",
    "us-isob-east-1": "765400339828",
    "us-isof-east-1": "108575199400",
    "us-isof-south-1": "124985052026",
    "us-west-1": "632365934929",
    "us-west-2": "433757028032",
}

PYTORCH_ACCOUNTS: Final = {
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-northeast-3": "364406365360",
    "ap-south-2": "772153158452",
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "ca-west-1": "204538143572",
    "cn-north-1": "727897471807",
    "cn-northwest-1": "727897471807",
    "eu-central-2": "380420809688",
    "eu-south-1": "692866216735",
    "eu-south-2": "503227376785",
    "il-central-1": "780543022126",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
    "us-gov-east-1": "446045086412",
    "us-gov-west-1": "442386744353",
}
"""Accounts of PyTorch's images other than 763104351884."""


def offers_pytorch(region: str) -> bool:
    """Return whether AWS has PyTorch's images in a region."""
    return not region.startswith("us-iso")


def repository_arns(region: str) -> list[str]:
    """Return the ARNs of the repositories of both algorithms' images."""
    start = f"arn:{partition(region)}:ecr:{region}"
    arns = [f"{start}:{ACCOUNTS[region]}:repository/image-classification"]
    if offers_pytorch(region):
        account = PYTORCH_ACCOUNTS.get(region, "763104351884")
        arns += [f"{start}:{account}:repository/pytorch-{scope}" for scope in ("training", "inference")]
    return arns


def partition(region: str) -> str:
    """Return the partition of a region, such as aws or aws-us-gov."""
    partitions = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "us-isob-": "aws-iso-b", "us-isof-": "aws-iso-f"}
    partitions |= {"us-iso-": "aws-iso"}
    return next((name for prefix, name in partitions.items() if region.startswith(prefix)), "aws")
