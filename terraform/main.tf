provider "aws" {
  region      = var.aws_region
  max_retries = var.max_retries

  default_tags {
    tags = local.tags
  }
}

# The same once more, for the ephemeral passwords only: mocks know no ephemeral resources, so the
# tests give these a provider that is not a mock.
provider "aws" {
  alias = "ephemeral"

  region      = var.aws_region
  max_retries = var.max_retries
}

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_availability_zones" "usable" {
  #checkov:skip=CKV_AWS_394:network.zone_names pins the zones; regions add new ones at the end.
  state = "available"

  # Local and wavelength zones have neither NAT gateways nor Multi-AZ databases.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}
