# Wrong values are refused, each by the validation that is meant. A run takes one wrong value of
# many variables at once. tests/terraform/test_variables.py runs this beside a copy of variables.tf
# alone, where a plan takes no time: no provider is needed to refuse a value.

run "first" {
  command = plan

  variables {
    project_name   = "Saleor"
    environment    = "production"
    aws_region     = "Frankfurt"
    max_retries    = -1
    network        = { cidr = "10.0.0.0/8" }
    ssh            = { cidr = "0.0.0.0/0", key_pair_name = "people" }
    domain         = "https://shop.example.com"
    hosted_zone_id = null
    load_balancer  = { idle_timeout_seconds = 60 }
    group          = { min_size = 5, desired_capacity = 2 }
    worker         = { instance_type = "t4g.medium" }
    ami_id         = "al2023"
    saleor         = { digest = "3.23" }
    compose        = { sha256 = "latest" }
    secrets        = { version = 0 }
    database       = { engine_version = "mysql" }
    redis          = { nodes = 0 }
    storage        = { old_versions_days = 0 }
    controller     = { mode = "on" }
    alarms         = { email = "people" }
    budget         = { monthly_usd = 0 }
  }

  expect_failures = [
    var.project_name, var.environment, var.aws_region, var.max_retries, var.network, var.ssh,
    var.domain, var.load_balancer, var.group, var.worker, var.ami_id,
    var.saleor, var.compose, var.secrets, var.database, var.redis, var.storage, var.controller,
    var.alarms, var.budget,
  ]
}

run "second" {
  command = plan

  variables {
    project_name   = "two--hyphens"
    network        = { zones = 1 }
    ssh            = { cidr = "home", key_pair_name = "people" }
    hosted_zone_id = "Z0123456789ABCDEFGHIJ"
    # Of a domain that is not named.
    certificate_arn = "arn:aws:acm:us-east-1:111122223333:certificate/mock"
    group           = { spot_percentage = 101 }
    saleor          = { connections_per_instance = 1 }
    compose         = { version = "v2.31.0" }
    secrets         = { version = 1.5 }
    database        = { storage_gib = 10 }
    redis           = { nodes = 7 }
    controller      = { interval_minutes = 7 }
    alarms          = { p95_seconds = 0 }
  }

  expect_failures = [
    var.project_name, var.network, var.ssh, var.hosted_zone_id, var.certificate_arn, var.group,
    var.saleor, var.compose, var.secrets, var.database, var.redis, var.controller, var.alarms,
  ]
}

# A certificate's validation looks at the domain too, and not where that is wrong.
run "third" {
  command = plan

  variables {
    domain          = "shop.example.com"
    certificate_arn = "my-certificate"
    network         = { zone_names = ["us-east-1a", "us-east-1a"] }
    group           = { cpu_target_percent = 99 }
    saleor          = { from_email = "the shop" }
    database        = { storage_gib = 100, max_storage_gib = 100 }
    redis           = { existing_host = "rediss://redis.example.internal:6379" }
    controller      = { phase_minutes = 5 }
    alarms          = { errors_percent = 101 }
  }

  expect_failures = [
    var.certificate_arn, var.network, var.group, var.saleor, var.database, var.redis,
    var.controller, var.alarms,
  ]
}

run "fourth" {
  command = plan

  variables {
    group      = { requests_target = 0 }
    saleor     = { from_email = "o'brien@example.com" }
    database   = { backup_days = 0 }
    controller = { boot_minutes = 21 }
    alarms     = { runbook = "docs/runbook.md#p95" }
  }

  expect_failures = [var.group, var.saleor, var.database, var.controller, var.alarms]
}

run "fifth" {
  command = plan

  variables {
    group      = { root_volume_gib = 8 }
    saleor     = { registry = "https://ghcr.io" }
    controller = { metric_delay_seconds = 901 }
  }

  expect_failures = [var.group, var.saleor, var.controller]
}

run "sixth" {
  command = plan

  variables {
    group      = { boot_seconds = 30 }
    controller = { metric_period_seconds = 90 }
  }

  expect_failures = [var.group, var.controller]
}

run "seventh" {
  command = plan

  variables {
    group      = { instance_type = "c7g.large" }
    controller = { history_days = 8 }
  }

  expect_failures = [var.group, var.controller]
}

run "eighth" {
  command = plan

  variables {
    controller = { miss_price = 20, missed_budget = 0.01 }
  }

  expect_failures = [var.controller]
}

run "ninth" {
  command = plan

  variables {
    controller = { metrics_level = "some" }
  }

  expect_failures = [var.controller]
}

run "controller_timezone" {
  command = plan

  variables {
    controller = { timezone = "Berlin, Germany" }
  }

  expect_failures = [var.controller]
}

run "controller_capacity_per_instance" {
  command = plan

  variables {
    controller = { capacity_per_instance = 0 }
  }

  expect_failures = [var.controller]
}

run "controller_miss_price" {
  command = plan

  variables {
    controller = { miss_price = 0.5 }
  }

  expect_failures = [var.controller]
}

run "controller_missed_budget" {
  command = plan

  variables {
    controller = { missed_budget = 1 }
  }

  expect_failures = [var.controller]
}

run "controller_quantile" {
  command = plan

  variables {
    controller = { quantile = 95 }
  }

  expect_failures = [var.controller]
}

run "controller_instance_hour_price" {
  command = plan

  variables {
    controller = { instance_hour_price = 0 }
  }

  expect_failures = [var.controller]
}

run "controller_surplus_hour_price" {
  command = plan

  variables {
    controller = { surplus_hour_price = -1 }
  }

  expect_failures = [var.controller]
}

run "controller_baseline_cpu_percent" {
  command = plan

  variables {
    controller = { baseline_cpu_percent = 101 }
  }

  expect_failures = [var.controller]
}

run "controller_spending_cap_usd" {
  command = plan

  variables {
    controller = { instance_hour_price = 0.05, spending_cap_usd = 0 }
  }

  expect_failures = [var.controller]
}

run "controller_spending_cap_without_a_price" {
  command = plan

  variables {
    controller = { spending_cap_usd = 100 }
  }

  expect_failures = [var.controller]
}

run "controller_spending_period" {
  command = plan

  variables {
    controller = { spending_period = "week" }
  }

  expect_failures = [var.controller]
}

run "controller_max_model_age_days" {
  command = plan

  variables {
    controller = { max_model_age_days = 0 }
  }

  expect_failures = [var.controller]
}

# By itself: its validation looks at the controller's interval too, and not where that is wrong.
run "lambda_memory" {
  command = plan

  variables {
    lambda = { memory_mb = 64 }
  }

  expect_failures = [var.lambda]
}

run "lambda_architecture" {
  command = plan

  variables {
    lambda = { architecture = "arm" }
  }

  expect_failures = [var.lambda]
}

run "lambda_timeout" {
  command = plan

  variables {
    lambda = { timeout_seconds = 300 }
  }

  expect_failures = [var.lambda]
}

run "lambda_days" {
  command = plan

  variables {
    lambda = { log_days = 31 }
  }

  expect_failures = [var.lambda]
}

run "lambda_too_much_memory" {
  command = plan

  variables {
    lambda = { memory_mb = 10241 }
  }

  expect_failures = [var.lambda]
}

run "controller_model" {
  command = plan

  variables {
    controller = { model = "shop:eu" }
  }

  expect_failures = [var.controller]
}

run "controller_scale_in_grace_minutes" {
  command = plan

  variables {
    controller = { scale_in_grace_minutes = 241 }
  }

  expect_failures = [var.controller]
}

run "controller_notify_step" {
  command = plan

  variables {
    controller = { notify_step = 1001 }
  }

  expect_failures = [var.controller]
}

run "controller_scale_in_step_percent" {
  command = plan

  variables {
    controller = { scale_in_step_percent = 51 }
  }

  expect_failures = [var.controller]
}

run "controller_model_cache_mb" {
  command = plan

  variables {
    controller = { model_cache_mb = 0.5 }
  }

  expect_failures = [var.controller]
}

# Other groups: what all of them are refused for is tried on one.

run "more_groups_name" {
  command = plan

  variables {
    more_groups = { "shop*" = { load_balancer = "app/shop/1" } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_own_name" {
  command = plan

  variables {
    more_groups = { "saleor-predictive-scaling-web" = { load_balancer = "app/shop/1" } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_load_balancer" {
  command = plan

  variables {
    more_groups = { shop = { load_balancer = "shop" } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_target_group" {
  command = plan

  variables {
    more_groups = { shop = { load_balancer = "app/shop/1", target_group = "shop" } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_mode" {
  command = plan

  variables {
    more_groups = { shop = { load_balancer = "app/shop/1", mode = "on" } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_number" {
  command = plan

  variables {
    more_groups = { shop = { load_balancer = "app/shop/1", boot_minutes = 21 } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_whole_number" {
  command = plan

  variables {
    more_groups = { shop = { load_balancer = "app/shop/1", history_days = 9.5 } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_metric_period_seconds" {
  command = plan

  variables {
    more_groups = { shop = { load_balancer = "app/shop/1", metric_period_seconds = 120 } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_timezone" {
  command = plan

  variables {
    more_groups = { shop = { load_balancer = "app/shop/1", timezone = "Berlin, Germany" } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_aims" {
  command = plan

  variables {
    more_groups = { shop = { load_balancer = "app/shop/1", miss_price = 20, quantile = 0.95 } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_spending_cap_without_a_price" {
  command = plan

  variables {
    more_groups = { shop = { load_balancer = "app/shop/1", spending_cap_usd = 100 } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_spending_period" {
  command = plan

  variables {
    more_groups = { shop = { load_balancer = "app/shop/1", spending_period = "week" } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_model" {
  command = plan

  variables {
    more_groups = { shop = { load_balancer = "app/shop/1", model = "shop:eu" } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_metrics_level" {
  command = plan

  variables {
    more_groups = { shop = { load_balancer = "app/shop/1", metrics_level = "some" } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_too_many_names" {
  command = plan

  variables {
    more_groups = {
      for number in range(51) : format("group-%034d", number) => { load_balancer = "app/x/1" }
    }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_beside_the_prefix" {
  command = plan

  variables {
    more_groups        = { shop = { load_balancer = "app/shop/1" } }
    more_groups_prefix = "group-"
  }

  expect_failures = [var.more_groups]
}

run "more_groups_without_time" {
  command = plan

  variables {
    lambda      = { timeout_seconds = 20 }
    more_groups = { shop = { load_balancer = "app/shop/1" } }
  }

  expect_failures = [var.more_groups]
}

run "more_groups_prefix" {
  command = plan

  variables {
    more_groups_prefix = "*"
  }

  expect_failures = [var.more_groups_prefix]
}

# The premise of the runs above: a group that has everything is taken, and as many names as fit.
run "more_groups_that_are_taken" {
  command = plan

  variables {
    more_groups = merge(
      {
        shop = {
          load_balancer          = "app/shop/1"
          target_group           = "targetgroup/shop/1"
          mode                   = "full"
          boot_minutes           = 2.5
          metric_delay_seconds   = 60
          metric_period_seconds  = 300
          history_days           = 10
          timezone               = "Europe/Berlin"
          capacity_per_instance  = 1000
          requests_per_target    = 500
          target_cpu_percent     = 60
          missed_budget          = 0.01
          instance_hour_price    = 0.05
          surplus_hour_price     = 0.1
          baseline_cpu_percent   = 20
          spending_cap_usd       = 500
          spending_period        = "month"
          max_model_age_days     = 7
          model                  = "shop-us"
          scale_in_grace_minutes = 15
          scale_in_step_percent  = 10
          notify_step            = 5
          metrics_level          = "none"
        }
      },
      { for number in range(49) : format("group-%034d", number) => { load_balancer = "app/x/1" } },
    )
  }

  assert {
    condition     = length(var.more_groups) == 50
    error_message = "All of them are there."
  }
}
