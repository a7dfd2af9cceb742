# The story from the top: is the shop well, did what was forecast come, did capacity follow, what
# held decisions back, is the model good; then each part for itself.

locals {
  alb    = "AWS/ApplicationELB"
  own    = local.metrics_namespace
  lb     = ["LoadBalancer", local.load_balancer_dimension]
  asg    = ["AutoScalingGroupName", aws_autoscaling_group.web.name]
  worker = ["AutoScalingGroupName", aws_autoscaling_group.worker.name]
  db     = ["DBInstanceIdentifier", aws_db_instance.this.identifier]
  lambda = ["FunctionName", aws_lambda_function.controller.function_name]
  hosts  = concat(["TargetGroup", local.target_group_dimension], local.lb)
  queue  = ["QueueName", aws_sqs_queue.failed_events.name]

  redis_series = {
    for metric in ["DatabaseMemoryUsagePercentage", "Evictions", "CurrConnections"] : metric => [
      for node in local.redis_nodes : ["AWS/ElastiCache", metric, "CacheClusterId", node]
    ]
  }

  # Of more groups the log has numbers only; the records are in S3.
  whole_records_logged = local.group_count <= 20

  # Rows of panels; a panel is a title and its series. `stat` and `period` hold for all of them.
  dashboard_rows = [
    {
      heading = "Is the shop well?"
      height  = 6
      panels = [
        { title = "p95 response time, s", stat = "p95", period = 60, series = [
          concat([local.alb, "TargetResponseTime"], local.lb),
        ] },
        { title = "Failed requests a minute", stat = "Sum", period = 60, series = [
          concat([local.alb, "HTTPCode_Target_5XX_Count"], local.lb),
          concat([local.alb, "HTTPCode_ELB_5XX_Count"], local.lb),
        ] },
        { title = "Requests a minute", stat = "Sum", period = 60, series = [
          concat([local.alb, "RequestCount"], local.lb),
        ] },
      ]
    },
    {
      heading = "Forecast, and what came (requests per interval, each forecast at its time)"
      height  = 7
      panels = [
        { title = "Requests", stat = "Average", period = local.interval_seconds, series = [
          concat([local.own, "ForecastUpper"], local.asg, [{ color = "#aec7e8" }]),
          concat([local.own, "ForecastMedian"], local.asg, [{ color = "#1f77b4" }]),
          concat([local.own, "ForecastLower"], local.asg, [{ color = "#aec7e8" }]),
          concat([local.own, "ActualDemand"], local.asg, [{ color = "#d62728" }]),
        ] },
      ]
    },
    {
      heading = "Capacity: wanted, desired, in service"
      height  = 7
      panels = [
        { title = "Instances", stat = "Average", period = local.interval_seconds, series = [
          concat([local.own, "WantedCapacity"], local.asg),
          concat([local.own, "DesiredCapacity"], local.asg),
          concat(["AWS/AutoScaling", "GroupInServiceInstances"], local.asg),
          concat(["AWS/AutoScaling", "GroupDesiredCapacity"], local.asg),
        ] },
      ]
    },
    {
      heading = "Decisions held, and the model (0 is well)"
      height  = 6
      panels = [
        { title = "Data in doubt (1) hold scale-in", stat = "Maximum", period = 300, series = [
          concat([local.own, "DataState"], local.asg),
        ] },
        { title = "0 forest, 1 seasonal, 2 last value", stat = "Maximum", period = 300, series = [
          concat([local.own, "ModelState"], local.asg),
        ] },
        { title = "Mode: 0 off, 1 observe, 2 full", stat = "Maximum", period = 300, series = [
          concat([local.own, "ModeState"], local.asg),
        ] },
        { title = "Coverage (90 is meant) and error, %", stat = "Average", period = 900, series = [
          concat([local.own, "ForecastCoverage"], local.asg),
          concat([local.own, "ForecastError"], local.asg),
        ] },
      ]
    },
    {
      heading = "All groups of the function"
      height  = 6
      panels = [
        for title, metric in {
          "Decided"                        = "DecidedGroups"
          "Failed, 0 is well"              = "FailedGroups"
          "Left for want of time, 0 ditto" = "LeftGroups"
        } : { title = title, stat = "Maximum", period = 300, series = [[local.own, metric]] }
        if local.many_groups
      ]
    },
    {
      heading = "The last decisions: the wish, what held it, and the model (named after its day)"
      height  = 8
      panels  = []
      # Each tick is one line of JSON in the log. What is read of several groups is the first.
      log_query = join(" | ", concat(
        [
          "SOURCE '${aws_cloudwatch_log_group.controller.name}'",
          "fields @timestamp",
          "filter status = 'completed'",
        ],
        local.whole_records_logged ? [
          "parse @message '\"wish_instances\": *,' as wish",
          "parse @message '\"before_instances\": *,' as before",
          "parse @message '\"after_instances\": *,' as after",
          "parse @message '\"reasons\": [*]' as held_by",
          "parse @message '\"faults\": [*]' as faults",
          "parse @message '\"model_id\": *,' as model",
          "display @timestamp, wish, before, after, held_by, faults, model",
          ] : [
          "parse @message '\"groups\": *,' as groups",
          "parse @message '\"outcomes\": {*}' as outcomes",
          "display @timestamp, groups, outcomes",
        ],
        ["sort @timestamp desc", "limit 50"],
      ))
    },
    {
      heading = "Load balancer"
      height  = 6
      panels = [
        { title = "Hosts", stat = "Average", period = 60, series = [
          concat([local.alb, "HealthyHostCount"], local.hosts),
          concat([local.alb, "UnHealthyHostCount"], local.hosts),
        ] },
        { title = "Connections refused and errors to targets", stat = "Sum", period = 60, series = [
          concat([local.alb, "RejectedConnectionCount"], local.lb),
          concat([local.alb, "TargetConnectionErrorCount"], local.lb),
        ] },
        { title = "Requests per target", stat = "Sum", period = 60, series = [
          concat([local.alb, "RequestCountPerTarget"], slice(local.hosts, 0, 2)),
        ] },
      ]
    },
    {
      heading = "Instances"
      height  = 6
      panels = [
        { title = "CPU, %", stat = "Average", period = 60, series = [
          concat(["AWS/EC2", "CPUUtilization"], local.asg),
          concat(["AWS/EC2", "CPUUtilization"], local.worker),
        ] },
        { title = "Memory and disk, %", stat = "Maximum", period = 60, series = [
          concat(["CWAgent", "mem_used_percent"], local.asg),
          concat(["CWAgent", "disk_used_percent"], local.asg),
          concat(["CWAgent", "mem_used_percent"], local.worker),
        ] },
        { title = "CPU credits", stat = "Minimum", period = 300, series = [
          concat(["AWS/EC2", "CPUCreditBalance"], local.asg),
          concat(["AWS/EC2", "CPUSurplusCreditsCharged"], local.asg),
        ] },
      ]
    },
    {
      heading = "Database"
      height  = 6
      panels = [
        { title = "CPU, %", stat = "Average", period = 60, series = [
          concat(["AWS/RDS", "CPUUtilization"], local.db),
        ] },
        { title = "Connections", stat = "Maximum", period = 60, series = [
          concat(["AWS/RDS", "DatabaseConnections"], local.db),
        ] },
        { title = "Free storage and memory, bytes", stat = "Minimum", period = 300, series = [
          concat(["AWS/RDS", "FreeStorageSpace"], local.db),
          concat(["AWS/RDS", "FreeableMemory"], local.db),
        ] },
      ]
    },
    {
      heading = "Redis"
      height  = 6
      panels = [
        for title, metric in {
          "Memory, %"   = "DatabaseMemoryUsagePercentage"
          "Evictions"   = "Evictions"
          "Connections" = "CurrConnections"
        } : { title = title, stat = "Maximum", period = 300, series = local.redis_series[metric] }
        if local.own_redis
      ]
    },
    {
      heading = "Controller"
      height  = 6
      panels = [
        { title = "Calls and errors", stat = "Sum", period = 300, series = [
          concat(["AWS/Lambda", "Invocations"], local.lambda),
          concat(["AWS/Lambda", "Errors"], local.lambda),
          concat(["AWS/Lambda", "Throttles"], local.lambda),
        ] },
        { title = "Duration, ms", stat = "Maximum", period = 300, series = [
          concat(["AWS/Lambda", "Duration"], local.lambda),
        ] },
        { title = "Events not handled", stat = "Maximum", period = 300, series = [
          concat(["AWS/SQS", "ApproximateNumberOfMessagesVisible"], local.queue),
        ] },
      ]
    },
  ]

  interval_seconds = 60 * var.controller.interval_minutes
  shown_rows = [
    for row in local.dashboard_rows : row if length(row.panels) > 0 || can(row.log_query)
  ]

  # CloudWatch's grid is 24 wide. Each row takes a line for its heading and its panels' height.
  row_tops = [
    for index in range(length(local.shown_rows)) :
    sum(concat([0], [for row in slice(local.shown_rows, 0, index) : 1 + row.height]))
  ]

  dashboard_headings = [
    for index, row in local.shown_rows : {
      type       = "text"
      x          = 0
      y          = local.row_tops[index]
      width      = 24
      height     = 1
      properties = { markdown = "## ${row.heading}" }
    }
  ]

  dashboard_logs = [
    for index, row in local.shown_rows : {
      type   = "log"
      x      = 0
      y      = local.row_tops[index] + 1
      width  = 24
      height = row.height
      properties = {
        title  = "Decisions"
        region = var.aws_region
        view   = "table"
        query  = row.log_query
      }
    } if can(row.log_query)
  ]

  dashboard_panels = flatten([
    for index, row in local.shown_rows : [
      for column, panel in row.panels : {
        type   = "metric"
        x      = column * floor(24 / length(row.panels))
        y      = local.row_tops[index] + 1
        width  = floor(24 / length(row.panels))
        height = row.height
        properties = {
          title   = panel.title
          region  = var.aws_region
          view    = "timeSeries"
          stat    = panel.stat
          period  = panel.period
          metrics = panel.series
        }
      }
    ]
  ])
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "${local.name}-dashboard"
  dashboard_body = jsonencode({
    widgets = concat(local.dashboard_headings, local.dashboard_panels, local.dashboard_logs)
  })
}
