# Prod in small: the same kinds of everything, so that what holds here holds there.
project_name  = "saleor-predictive-scaling-stg"
environment   = "staging"
allow_destroy = true

group = {
  instance_type = "c6i.large"
  max_size      = 6
}

budget = {
  monthly_usd = 650
}
