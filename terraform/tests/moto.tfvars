# For `terraform apply` against a moto server (tests/e2e/test_terraform_apply.py): what moto cannot
# hold is off, and only that. All of it is on in the mocked tests.

allow_destroy = true

# A call that moto does not know is a 500, which the provider would repeat for minutes; but a busy
# server may cut a connection once.
max_retries = 4

redis = {
  # moto has neither parameter groups nor replication groups of ElastiCache.
  existing_host = "redis.example.internal"
}

storage = {
  # moto applies a Deny without looking at its Condition, so nothing could be written.
  tls_only = false
}

alarms = {
  # moto does not implement PutNotificationConfiguration.
  scaling_notifications = false
}

# moto does not implement what the provider asks of budgets.
budget = null

controller = {
  mode = "full"
  # The test's metrics are complete at once.
  metric_delay_seconds  = 0
  metric_period_seconds = 300
  capacity_per_instance = 1000
}

# Beside the module's own group one that there is not: the list must be read, and the rest go on.
more_groups = {
  gone = { load_balancer = "app/gone/0123456789abcdef" }
}
