# `destroy` is refused until allow_destroy = true has been applied.
environment = "prod"

network = {
  zones = 3
}

# The newest Amazon Linux 2023 of the day it was chosen; null would follow it at each apply:
#   aws ssm get-parameter --query Parameter.Value --output text \
#     --name /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64
# ami_id = "ami-..."

group = {
  instance_type   = "c6i.large"
  native_forecast = true
}

budget = {
  monthly_usd = 900
}
