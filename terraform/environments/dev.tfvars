# For trying things out: one zone's NAT, one of each, and nothing that resists `destroy`.
project_name  = "saleor-predictive-scaling-dev"
environment   = "dev"
allow_destroy = true

network = {
  nat_per_zone = false
  flow_logs    = false
}

group = {
  instance_type = "t3.medium"
  max_size      = 4
}

worker = {
  instance_type = "t3.small"
}

database = {
  multi_az = false
}

redis = {
  nodes = 1
}

load_balancer = {
  access_logs = false
}

budget = {
  monthly_usd = 350
}
