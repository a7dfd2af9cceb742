# Least privilege: each role names what it touches. A "*" stands only where AWS knows no narrower
# resource, and says so. tests/terraform compares the controller's with what the code calls.

locals {
  assume_by = {
    for service in ["ec2", "lambda", "monitoring.rds", "vpc-flow-logs"] : service => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { Service = "${service}.amazonaws.com" }
        Action    = "sts:AssumeRole"
      }]
    })
  }

  records_arn = aws_s3_bucket.this["records"].arn
  media_arn   = aws_s3_bucket.this["media"].arn
}

# The controller ---------------------------------------------------------------------------------

resource "aws_iam_role" "controller" {
  name               = "${local.name}-controller"
  assume_role_policy = local.assume_by["lambda"]
}

locals {
  group_arn_start = join(":", [
    "arn:${local.partition}:autoscaling:${var.aws_region}:${local.account_id}",
    "autoScalingGroup:*:autoScalingGroupName/",
  ])

  # By their names, or all that begin alike, where the names are too many for a policy.
  more_group_arns = formatlist(
    "${local.group_arn_start}%s",
    var.more_groups_prefix == null ? keys(var.more_groups) : ["${var.more_groups_prefix}*"],
  )

  more_groups_statements = [
    for arns in local.many_groups ? [local.more_group_arns] : [] : {
      Sid      = "ScaleMoreGroups"
      Effect   = "Allow"
      Action   = ["autoscaling:PutScalingPolicy", "autoscaling:SetDesiredCapacity"]
      Resource = arns
    }
  ]

  controller_statements = concat(local.more_groups_statements, [
    {
      Sid      = "ScaleThisGroup"
      Effect   = "Allow"
      Action   = ["autoscaling:PutScalingPolicy", "autoscaling:SetDesiredCapacity"]
      Resource = aws_autoscaling_group.web.arn
    },
    {
      # Neither describing groups, their activities and policies nor reading metrics can be limited to a resource.
      Sid    = "Look"
      Effect = "Allow"
      Action = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribePolicies",
        "autoscaling:DescribeScalingActivities",
        "cloudwatch:GetMetricData",
      ]
      Resource = "*"
    },
    {
      # Writing metrics is limited by the namespace, in a condition.
      Sid       = "PublishInOurNamespace"
      Effect    = "Allow"
      Action    = "cloudwatch:PutMetricData"
      Resource  = "*"
      Condition = { StringEquals = { "cloudwatch:namespace" = local.metrics_namespace } }
    },
    {
      # Whole folders: the bucket is this controller's alone, and a group may use another's model.
      Sid    = "ReadRecords"
      Effect = "Allow"
      Action = "s3:GetObject"
      Resource = [
        for path in concat(
          ["control/*", "decisions/*", "history/*", "models/*", "published/*"],
          local.many_groups ? [local.groups_key] : [],
        ) : "${local.records_arn}/${path}"
      ]
    },
    {
      # Never models: those are published by people and by training. The mode under control/ is
      # written when the controller itself falls back to observing.
      Sid    = "WriteRecords"
      Effect = "Allow"
      Action = "s3:PutObject"
      Resource = [
        "${local.records_arn}/control/*",
        "${local.records_arn}/decisions/*",
        "${local.records_arn}/history/*",
      ]
    },
    {
      # On the whole bucket: a condition on the prefix would not hold for GetObject of what does not
      # exist, and S3 would refuse instead of saying so.
      Sid      = "ListRecords"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = local.records_arn
    },
    {
      Sid      = "TellPeople"
      Effect   = "Allow"
      Action   = "sns:Publish"
      Resource = aws_sns_topic.alarms.arn
    },
    {
      # For the bucket and the topic, which stand under our key.
      Sid      = "UseTheKey"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = aws_kms_key.this.arn
    },
    {
      # What the Lambda service does in the role's name.
      Sid      = "LogAndReportFailures"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.controller.arn}:*"
    },
    {
      Sid      = "HandOverFailedEvents"
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = aws_sqs_queue.failed_events.arn
    },
  ])
}

resource "aws_iam_role_policy" "controller" {
  #checkov:skip=CKV_AWS_355:Describing groups, and reading and writing metrics, know no resources.
  #checkov:skip=CKV_AWS_290:PutMetricData is limited by the namespace instead of by a resource.
  name   = "controller"
  role   = aws_iam_role.controller.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.controller_statements })
}

# Instances --------------------------------------------------------------------------------------

resource "aws_iam_role" "instances" {
  for_each = local.kinds

  name               = "${local.name}-${each.key}"
  assume_role_policy = local.assume_by["ec2"]
}

resource "aws_iam_instance_profile" "instances" {
  for_each = local.kinds

  name = "${local.name}-${each.key}"
  role = aws_iam_role.instances[each.key].name
}

locals {
  secret_arns = compact([
    aws_secretsmanager_secret.app.arn,
    aws_secretsmanager_secret.rsa.arn,
    var.saleor.email_url_secret_arn,
  ])

  instance_statements = [
    {
      Sid      = "ReadSecrets"
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = local.secret_arns
    },
    {
      Sid      = "UseTheKey"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = aws_kms_key.this.arn
    },
    {
      Sid      = "Media"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      Resource = "${local.media_arn}/*"
    },
    {
      Sid      = "ListMedia"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = local.media_arn
    },
    {
      # Session Manager instead of SSH keys. Its channels have no resources.
      Sid    = "SessionManager"
      Effect = "Allow"
      Action = [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ]
      Resource = "*"
    },
    {
      # The CloudWatch agent finds out its group by its tags; describing knows no resources.
      Sid      = "AgentLooks"
      Effect   = "Allow"
      Action   = ["ec2:DescribeTags", "ec2:DescribeVolumes"]
      Resource = "*"
    },
    {
      Sid       = "AgentMetrics"
      Effect    = "Allow"
      Action    = "cloudwatch:PutMetricData"
      Resource  = "*"
      Condition = { StringEquals = { "cloudwatch:namespace" = "CWAgent" } }
    },
  ]

  agent_log_statements = {
    for kind, group in aws_cloudwatch_log_group.instances : kind => {
      Sid      = "AgentLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = "${group.arn}:*"
    }
  }

  web_statements = [
    {
      Sid      = "SeeTheRelease"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${local.records_arn}/releases/*"
    },
    {
      # By its name: the group itself needs this role first.
      Sid    = "AnswerLifecycleHooks"
      Effect = "Allow"
      Action = [
        "autoscaling:CompleteLifecycleAction",
        "autoscaling:RecordLifecycleActionHeartbeat",
      ]
      Resource = "${local.group_arn_start}${local.web_group_name}"
    },
  ]

  worker_statements = [
    {
      Sid      = "MarkTheRelease"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "${local.records_arn}/releases/*"
    },
    {
      Sid      = "DatabaseMaster"
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = local.master_secret_arn
    },
    {
      Sid      = "MakeTheSigningKey"
      Effect   = "Allow"
      Action   = ["secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"]
      Resource = aws_secretsmanager_secret.rsa.arn
    },
  ]

  statements_by_kind = {
    web    = local.web_statements
    worker = local.worker_statements
  }
}

resource "aws_iam_role_policy" "instances" {
  #checkov:skip=CKV_AWS_355:Session channels, tags of instances and metrics know no resources.
  #checkov:skip=CKV_AWS_290:As above; metrics are limited by their namespace.
  for_each = local.kinds

  name = each.key
  role = aws_iam_role.instances[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.instance_statements,
      [local.agent_log_statements[each.key]],
      local.statements_by_kind[each.key],
    )
  })
}

# AWS's own services -----------------------------------------------------------------------------

resource "aws_iam_role" "database_monitoring" {
  name               = "${local.name}-database-monitoring"
  assume_role_policy = local.assume_by["monitoring.rds"]
}

resource "aws_iam_role_policy_attachment" "database_monitoring" {
  role       = aws_iam_role.database_monitoring.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

resource "aws_iam_role" "flow_logs" {
  count = var.network.flow_logs ? 1 : 0

  name               = "${local.name}-flow-logs"
  assume_role_policy = local.assume_by["vpc-flow-logs"]
}

resource "aws_iam_role_policy" "flow_logs" {
  count = var.network.flow_logs ? 1 : 0

  name = "write"
  role = aws_iam_role.flow_logs[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
      ]
      Resource = "${aws_cloudwatch_log_group.flow_logs[0].arn}:*"
    }]
  })
}
