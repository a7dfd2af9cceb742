# Everything switched on, applied against a mocked provider.

mock_provider "aws" {
  source = "./tests/mocks"
}

# Never called: secrets.generate is false. Mocks know no ephemeral resources, and this one is real.
provider "aws" {
  alias = "ephemeral"

  region                      = "us-east-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

run "everything" {
  command = apply

  variables {
    environment     = "prod"
    ssh             = { cidr = "203.0.113.0/24", key_pair_name = "people" }
    domain          = "shop.example.com"
    hosted_zone_id  = "Z0123456789ABCDEFGHIJ"
    certificate_arn = "arn:aws:acm:us-east-1:111122223333:certificate/mock"
    load_balancer   = { web_acl_arn = "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/a/b" }
    group           = { native_forecast = true, spot_percentage = 50 }
    database        = { read_replica = true }
    alarms          = { email = "people@example.com" }
    budget          = { monthly_usd = 100, by_tag = true }
    saleor = {
      email_url_secret_arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:mail"
    }
    secrets = { generate = false }
    # Any file will do for a mock.
    lambda     = { zip = "versions.tf" }
    controller = { capacity_per_instance = 1000, miss_price = 20 }
  }

  assert {
    condition     = output.shop_url == "https://shop.example.com/"
    error_message = "With a domain and a certificate the shop answers there by HTTPS."
  }
}

# More connections than the database takes: told by the resource, since it is about two variables.
run "too_many_connections" {
  command = plan

  variables {
    secrets = { generate = false }
    lambda  = { zip = "versions.tf" }
    group   = { max_size = 40 }
  }

  expect_failures = [aws_db_instance.this]
}

# The second of three settings that exclude each other, and nothing that is only for prod.
run "sparse" {
  command = apply

  variables {
    allow_destroy = true
    secrets       = { generate = false }
    lambda        = { zip = "versions.tf", reserved_concurrency = 1 }
    network       = { nat_per_zone = false, flow_logs = false }
    load_balancer = { access_logs = false }
    redis         = { existing_host = "redis.example.internal" }
    group         = { instance_type = "c6i.large" }
    alarms        = { scaling_notifications = false, runbook = "https://docs.example.com/runbook" }
    budget        = null
    controller = {
      interval_minutes = 60, metric_period_seconds = 300
      missed_budget    = 0.01, metrics_level = "none"
    }
  }

  assert {
    condition     = aws_cloudwatch_event_rule.tick.schedule_expression == "cron(2 * * * ? *)"
    error_message = "An hourly controller is called at one minute of the hour."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["no-decision"].namespace == "AWS/Lambda" &&
      aws_cloudwatch_metric_alarm.this["no-decision"].treat_missing_data == "breaching"
    )
    error_message = "Without metrics of its own the controller is watched by its function's calls."
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "surplus-credits")
    error_message = "Types that do not burst have no credits."
  }

  assert {
    condition     = output.shop_url == "http://mock.us-east-1.elb.amazonaws.com/"
    error_message = "Without a domain the shop answers under the load balancer's name."
  }
}

# Other groups beside the module's own, with and without settings of theirs.
run "many" {
  command = apply

  variables {
    allow_destroy = true
    secrets       = { generate = false }
    lambda        = { zip = "versions.tf", memory_mb = 1769, timeout_seconds = 120 }
    redis         = { existing_host = "redis.example.internal" }
    controller = {
      mode                = "full", capacity_per_instance = 1000, miss_price = 20, model = "saleor-template"
      instance_hour_price = 0.05, surplus_hour_price = 0.1, baseline_cpu_percent = 20
      spending_cap_usd    = 100, spending_period = "month"
    }
    more_groups = {
      "shop-eu" = {
        load_balancer = "app/shop-eu/0123456789abcdef"
        target_group  = "targetgroup/shop-eu/0123456789abcdef"
        mode          = "full"
        timezone      = "Europe/Berlin"
        quantile      = 0.95
        model         = "shop-us"
        metrics_level = "basic"
      }
      "shop-us" = { load_balancer = "app/shop-us/0123456789abcdef" }
    }
  }
}

# As many names as the role's policy is to hold, each of 40 characters.
run "most_names" {
  command = apply

  variables {
    project_name  = "a-project-with-a-name-of-32-char"
    aws_region    = "ap-southeast-1"
    allow_destroy = true
    secrets       = { generate = false }
    lambda        = { zip = "versions.tf" }
    redis         = { existing_host = "redis.example.internal" }
    more_groups = {
      for number in range(50) : format("group-%034d", number) => { load_balancer = "app/x/1" }
    }
  }
}

# The same names, and more of them, by what they begin with.
run "prefix" {
  command = apply

  variables {
    allow_destroy      = true
    secrets            = { generate = false }
    lambda             = { zip = "versions.tf" }
    redis              = { existing_host = "redis.example.internal" }
    more_groups_prefix = "group-"
    more_groups = {
      for number in range(100) : format("group-%034d", number) => { load_balancer = "app/x/1" }
    }
  }
}

# The third of three settings that exclude each other.
run "quantile" {
  command = apply

  variables {
    allow_destroy = true
    secrets       = { generate = false }
    lambda        = { zip = "versions.tf" }
    redis         = { existing_host = "redis.example.internal" }
    controller = {
      quantile = 0.95, interval_minutes = 30, instance_hour_price = 0.05, spending_cap_usd = 100
    }
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["model-unused"].period == 1800 &&
      aws_cloudwatch_metric_alarm.this["model-unused"].evaluation_periods == 2
    )
    error_message = "An alarm looks at whole intervals: else half of its periods hold no data."
  }
}
