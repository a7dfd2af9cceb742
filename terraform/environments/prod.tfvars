# `destroy` is refused until allow_destroy = true has been applied.
environment = "prod"

network = {
  zones = 3
}

# Amazon Linux 2023 of September 2026, for us-east-1. Newer ones, and those of other regions:
#   aws ssm get-parameter --query Parameter.Value --output text \
#     --name /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64
ami_id = "ami-0d27e0fb3bac4d724"

group = {
  instance_type   = "c6i.large"
  native_forecast = true
}

budget = {
  monthly_usd = 1000
}
