# People are told through one topic; the alarms are rows of a table.

resource "aws_sns_topic" "alarms" {
  name              = "${local.name}-alarms"
  kms_master_key_id = aws_kms_key.this.arn
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Auto Scaling and the controller publish by their roles.
        Sid       = "RolesOfThisAccount"
        Effect    = "Allow"
        Principal = { AWS = local.root_arn }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
      },
      {
        Sid       = "AlarmsAndBudgets"
        Effect    = "Allow"
        Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.alarms.arn
        Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "email" {
  count = var.alarms.email == null ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarms.email
}

resource "aws_autoscaling_notification" "scaling" {
  count = var.alarms.scaling_notifications ? 1 : 0

  group_names = [aws_autoscaling_group.web.name, aws_autoscaling_group.worker.name]
  topic_arn   = aws_sns_topic.alarms.arn
  notifications = [
    "autoscaling:EC2_INSTANCE_LAUNCH",
    "autoscaling:EC2_INSTANCE_LAUNCH_ERROR",
    "autoscaling:EC2_INSTANCE_TERMINATE",
    "autoscaling:EC2_INSTANCE_TERMINATE_ERROR",
  ]
}

locals {
  on_balancer = { LoadBalancer = local.load_balancer_dimension }
  on_group    = { AutoScalingGroupName = aws_autoscaling_group.web.name }
  on_targets  = merge(local.on_balancer, { TargetGroup = local.target_group_dimension })
  on_function = { FunctionName = aws_lambda_function.controller.function_name }
  on_database = { DBInstanceIdentifier = aws_db_instance.this.identifier }
  on_queue    = { QueueName = aws_sqs_queue.failed_events.name }

  burstable = startswith(var.group.instance_type, "t")
  gibibyte  = pow(2, 30)

  # Without `missing`, absent data are no fault; without `times`, one bad period rings. `entry` is the
  # runbook's, where that is not the alarm's own name.
  alarms = merge(
    {
      p95 = {
        says       = "The slowest 5 % of requests take longer than ${var.alarms.p95_seconds} s"
        namespace  = "AWS/ApplicationELB"
        metric     = "TargetResponseTime"
        statistic  = "p95"
        above      = var.alarms.p95_seconds
        times      = 3
        dimensions = local.on_balancer
      }
      unhealthy-hosts = {
        says       = "An instance in service has not answered its health check for five minutes"
        namespace  = "AWS/ApplicationELB"
        metric     = "UnHealthyHostCount"
        statistic  = "Minimum"
        above      = 0
        times      = 5
        dimensions = local.on_targets
      }
      cpu = {
        says       = "The group's CPU has been above 85 % for ten minutes: scaling cannot follow"
        namespace  = "AWS/EC2"
        metric     = "CPUUtilization"
        statistic  = "Average"
        above      = 85
        times      = 10
        dimensions = local.on_group
      }
      lambda-errors = {
        says       = "A control step has failed"
        namespace  = "AWS/Lambda"
        metric     = "Errors"
        statistic  = "Sum"
        above      = 0
        dimensions = local.on_function
      }
      failed-events = {
        says       = "Events that the controller did not handle lie in their queue"
        namespace  = "AWS/SQS"
        metric     = "ApproximateNumberOfMessagesVisible"
        statistic  = "Maximum"
        above      = 0
        dimensions = local.on_queue
      }
      no-decision = {
        says       = "No decision for ${local.silence_seconds / 60} minutes"
        namespace  = local.decisions_metric.namespace
        metric     = local.decisions_metric.metric
        statistic  = "SampleCount"
        below      = 1
        period     = local.silence_seconds
        missing    = "breaching"
        dimensions = local.decisions_metric.dimensions
      }
      database-cpu = {
        says       = "The database's CPU has been above 80 % for ten minutes"
        namespace  = "AWS/RDS"
        metric     = "CPUUtilization"
        statistic  = "Average"
        above      = 80
        times      = 10
        dimensions = local.on_database
      }
      database-storage = {
        says       = "The database has less than 2 GiB left, though its storage grows by itself"
        namespace  = "AWS/RDS"
        metric     = "FreeStorageSpace"
        statistic  = "Minimum"
        below      = 2 * local.gibibyte
        period     = 300
        dimensions = local.on_database
      }
      database-connections = {
        says       = "Four fifths of the database's connections are taken"
        namespace  = "AWS/RDS"
        metric     = "DatabaseConnections"
        statistic  = "Maximum"
        above      = floor(0.8 * var.database.max_connections)
        times      = 3
        dimensions = local.on_database
      }
    },
    {
      for key, alarm in {
        coverage = {
          says       = "Fewer than 80 % of what came lay in the forecast's 90 % band, for an hour"
          namespace  = local.metrics_namespace
          metric     = "ForecastCoverage"
          statistic  = "Average"
          below      = 80
          period     = local.model_period
          times      = local.model_periods
          dimensions = local.on_group
        }
        model-unused = {
          says       = "No usable model for an hour: too old, unreadable or never trained"
          namespace  = local.metrics_namespace
          metric     = "ModelState"
          statistic  = "Minimum"
          above      = 0
          period     = local.model_period
          times      = local.model_periods
          dimensions = local.on_group
        }
      } : key => alarm if local.published
    },
    {
      for key, alarm in {
        groups-failed = {
          says       = "Groups could not be decided about or scaled, three times in a row"
          namespace  = local.metrics_namespace
          metric     = "FailedGroups"
          statistic  = "Maximum"
          above      = 0
          period     = local.interval_seconds
          times      = 3
          dimensions = {}
        }
        groups-left = {
          says       = "There was no time for some groups, three times in a row: give memory and time"
          namespace  = local.metrics_namespace
          metric     = "LeftGroups"
          statistic  = "Maximum"
          above      = 0
          period     = local.interval_seconds
          times      = 3
          dimensions = {}
        }
      } : key => alarm if local.many_groups
    },
    {
      for key, alarm in {
        surplus-credits = {
          says       = "Instances are charged for surplus CPU credits; another type may be cheaper"
          namespace  = "AWS/EC2"
          metric     = "CPUSurplusCreditsCharged"
          statistic  = "Maximum"
          above      = 0
          period     = 900
          times      = 4
          dimensions = local.on_group
        }
      } : key => alarm if local.burstable
    },
    {
      for alarm in flatten([
        for node in local.redis_nodes : [
          {
            key       = "redis-memory-${node}"
            entry     = "redis-memory"
            says      = "Redis ${node} is four fifths full"
            metric    = "DatabaseMemoryUsagePercentage"
            statistic = "Maximum"
            above     = 80
            node      = node
          },
          {
            key       = "redis-evictions-${node}"
            entry     = "redis-evictions"
            says      = "Redis ${node} drops cached entries for want of memory"
            metric    = "Evictions"
            statistic = "Sum"
            above     = 0
            node      = node
          },
        ]
        ]) : alarm.key => merge(alarm, {
        namespace  = "AWS/ElastiCache"
        period     = 300
        times      = 3
        dimensions = { CacheClusterId = alarm.node }
      })
    },
  )

  # Three intervals, and 15 minutes at least.
  silence_seconds = max(900, 3 * local.interval_seconds)

  # An hour in periods of a quarter, or of an interval where that is longer: a period in which
  # nothing is published counts as a good one.
  model_period  = max(900, local.interval_seconds)
  model_periods = ceil(3600 / local.model_period)

  published = local.own_metrics_level != "none"

  # Without metrics of its own the controller is known by its function's calls only.
  decisions_metric = (
    local.published
    ? {
      namespace  = local.metrics_namespace
      metric     = "DesiredCapacity"
      dimensions = local.on_group
    }
    : {
      namespace  = "AWS/Lambda"
      metric     = "Duration"
      dimensions = local.on_function
    }
  )

  redis_nodes = [
    for node in range(local.own_redis ? var.redis.nodes : 0) :
    format("%s-%03d", local.name, node + 1)
  ]
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name = "${local.name}-${each.key}"
  alarm_description = join("", [
    each.value.says, ". See ${var.alarms.runbook}#${try(each.value.entry, each.key)}",
  ])
  namespace   = each.value.namespace
  metric_name = each.value.metric
  dimensions  = each.value.dimensions

  statistic          = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic = startswith(each.value.statistic, "p") ? each.value.statistic : null

  comparison_operator = (
    try(each.value.below, null) == null ? "GreaterThanThreshold" : "LessThanThreshold"
  )
  threshold           = try(each.value.below, each.value.above)
  period              = try(each.value.period, 60)
  evaluation_periods  = try(each.value.times, 1)
  datapoints_to_alarm = try(each.value.times, 1)
  treat_missing_data  = try(each.value.missing, "notBreaching")

  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]
}

# A share, so that one error at night does not ring and a hundred at noon do.
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${local.name}-errors"
  alarm_description   = "More than ${var.alarms.errors_percent} % of requests fail. See ${var.alarms.runbook}#errors"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.alarms.errors_percent
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "share"
    label       = "Failed requests, %"
    return_data = true
    expression = join(" ", [
      "100 * (FILL(target, 0) + FILL(balancer, 0))",
      "/ (FILL(requests, 0) + FILL(balancer, 0) + 0.001)",
    ])
  }

  dynamic "metric_query" {
    for_each = {
      requests = "RequestCount"
      target   = "HTTPCode_Target_5XX_Count"
      balancer = "HTTPCode_ELB_5XX_Count"
    }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        dimensions  = local.on_balancer
        stat        = "Sum"
        period      = 60
      }
    }
  }
}
