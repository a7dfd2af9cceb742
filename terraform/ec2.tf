# Two groups from one pattern: the scaled web group runs the API only; a group of exactly one runs
# the release step, the Celery worker and beat.

data "aws_ssm_parameter" "ami" {
  count = var.ami_id == null ? 1 : 0

  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

locals {
  # Resolved here, not in the template: an instance refresh cannot roll back what it cannot name.
  ami_id = coalesce(var.ami_id, try(data.aws_ssm_parameter.ami[0].insecure_value, null))

  web_group_name = "${local.name}-web"

  kinds = {
    web = {
      instance_type = var.group.instance_type
      volume_gib    = var.group.root_volume_gib
    }
    worker = {
      instance_type = var.worker.instance_type
      volume_gib    = var.worker.root_volume_gib
    }
  }

  # In the order of compose.yaml; start.sh gives them their values.
  container_environment = [
    "ALLOWED_CLIENT_HOSTS", "ALLOWED_HOSTS", "AWS_MEDIA_BUCKET_NAME", "AWS_QUERYSTRING_AUTH",
    "AWS_S3_REGION_NAME", "CACHE_URL", "CELERY_BROKER_URL", "DATABASE_URL", "DEBUG",
    "DEFAULT_FROM_EMAIL", "EMAIL_URL", "PUBLIC_URL", "RSA_PRIVATE_KEY", "SECRET_KEY",
  ]

  allowed_hosts = join(",", distinct([local.host, aws_lb.this.dns_name]))

  settings = {
    for kind in keys(local.kinds) : kind => merge(
      {
        KIND                  = kind
        AWS_REGION            = var.aws_region
        GROUP_NAME            = local.web_group_name
        RELEASE               = local.release
        RECORDS_BUCKET        = aws_s3_bucket.this["records"].bucket
        APP_PORT              = local.app_port
        APP_SECRET_ARN        = aws_secretsmanager_secret.app.arn
        RSA_SECRET_ARN        = aws_secretsmanager_secret.rsa.arn
        EMAIL_SECRET_ARN      = local.email_secret_arn
        DATABASE_HOST         = aws_db_instance.this.address
        DATABASE_NAME         = aws_db_instance.this.db_name
        REDIS_HOST            = local.redis_host
        COMPOSE_SHA256        = var.compose.sha256
        COMPOSE_URL           = local.compose_url
        ALLOWED_HOSTS         = local.allowed_hosts
        ALLOWED_CLIENT_HOSTS  = local.allowed_hosts
        PUBLIC_URL            = "${local.shop_url}/"
        DEFAULT_FROM_EMAIL    = var.saleor.from_email
        AWS_MEDIA_BUCKET_NAME = aws_s3_bucket.this["media"].bucket
        AWS_S3_REGION_NAME    = var.aws_region
        # Read by nobody: a new one makes a new template, and so a refresh that fetches the secrets.
        SECRETS_VERSION = var.secrets.version
      },
      kind == "worker" ? { MASTER_SECRET_ARN = local.master_secret_arn } : {},
    )
  }

  email_secret_arn = var.saleor.email_url_secret_arn == null ? "" : var.saleor.email_url_secret_arn
  master_secret_arn = (
    var.database.read_replica
    ? aws_secretsmanager_secret.master[0].arn
    : aws_db_instance.this.master_user_secret[0].secret_arn
  )

  compose_url = join("", [
    "https://github.com/docker/compose/releases/download/v${var.compose.version}/",
    "docker-compose-linux-x86_64",
  ])

  scripts = {
    web    = ["install.sh", "lib.sh", "start.sh", "drain.sh"]
    worker = ["install.sh", "lib.sh", "start.sh", "release.sh", "ensure_key.sh", "migrate.sh"]
  }

  files = {
    for kind in keys(local.kinds) : kind => concat(
      [
        for script in local.scripts[kind] : {
          path        = "/srv/shop/${script}"
          permissions = "0755"
          content     = file("${path.module}/templates/${script}")
        }
      ],
      [
        for path, content in {
          "/srv/shop/settings.env" = templatefile(
            "${path.module}/templates/settings.env.tftpl", { settings = local.settings[kind] }
          )
          "/srv/shop/compose.yaml" = templatefile("${path.module}/templates/compose.yaml.tftpl", {
            kind        = kind
            image       = local.image
            port        = local.app_port
            environment = local.container_environment
          })
          "/srv/shop/cloudwatch-agent.json" = templatefile(
            "${path.module}/templates/cloudwatch-agent.json.tftpl",
            { log_group = aws_cloudwatch_log_group.instances[kind].name }
          )
          "/srv/shop/release.sql" = (
            kind == "worker" ? file("${path.module}/templates/release.sql") : null
          )
          "/etc/systemd/system/shop.service" = file("${path.module}/templates/shop.service")
          "/etc/systemd/system/shop-drain.service" = (
            kind == "web" ? file("${path.module}/templates/shop-drain.service") : null
          )
        } : { path = path, permissions = "0644", content = content } if content != null
      ],
    )
  }

  # cloud-init takes it gzipped, which keeps it well below the limit of 16 KiB.
  user_data = {
    for kind, files in local.files : kind => join("\n", [
      "#cloud-config",
      yamlencode({ write_files = files, runcmd = ["/srv/shop/install.sh"] }),
    ])
  }
}

resource "aws_cloudwatch_log_group" "instances" {
  #checkov:skip=CKV_AWS_338:Logs of instances that are gone by the hour; a month serves inquiries.
  for_each = local.kinds

  name              = "/${local.name}/${each.key}"
  retention_in_days = 30
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_launch_template" "this" {
  #checkov:skip=CKV_AWS_341:Containers reach the role's credentials through one hop more.
  for_each = local.kinds

  name                   = "${local.name}-${each.key}"
  image_id               = local.ami_id
  instance_type          = each.value.instance_type
  key_name               = try(var.ssh.key_pair_name, null)
  user_data              = base64gzip(local.user_data[each.key])
  vpc_security_group_ids = [aws_security_group.instances[each.key].id]
  ebs_optimized          = true

  iam_instance_profile {
    name = aws_iam_instance_profile.instances[each.key].name
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 2
  }

  monitoring {
    enabled = true
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = each.value.volume_gib
      encrypted             = true
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"])

    content {
      resource_type = tag_specifications.value
      tags          = merge(local.tags, { Name = "${local.name}-${each.key}" })
    }
  }
}

resource "aws_autoscaling_group" "web" {
  name                = local.web_group_name
  min_size            = var.group.min_size
  max_size            = var.group.max_size
  desired_capacity    = var.group.desired_capacity
  vpc_zone_identifier = aws_subnet.private[*].id
  target_group_arns   = [aws_lb_target_group.web.arn]

  # The launch hook lets an instance in only when it answers, so the grace can be short.
  health_check_type         = "ELB"
  health_check_grace_period = 60
  default_instance_warmup   = var.group.boot_seconds
  # Instances wait for the first release: an apply need not.
  wait_for_capacity_timeout = "0"
  capacity_rebalance        = var.group.spot_percentage > 0
  # Goes also with instances that still wait for a release, whose hooks nobody will answer.
  force_delete = var.allow_destroy

  metrics_granularity = "1Minute"
  enabled_metrics = [
    "GroupDesiredCapacity", "GroupInServiceInstances", "GroupMaxSize", "GroupMinSize",
    "GroupPendingInstances", "GroupTerminatingInstances", "GroupTotalInstances",
  ]

  dynamic "launch_template" {
    for_each = var.group.spot_percentage > 0 ? [] : [aws_launch_template.this["web"]]

    content {
      id      = launch_template.value.id
      version = launch_template.value.latest_version
    }
  }

  # One size only: the controller counts instances, and takes each for as good as the next.
  dynamic "mixed_instances_policy" {
    for_each = var.group.spot_percentage > 0 ? [aws_launch_template.this["web"]] : []

    content {
      instances_distribution {
        on_demand_base_capacity                  = var.group.min_size
        on_demand_percentage_above_base_capacity = 100 - var.group.spot_percentage
        spot_allocation_strategy                 = "price-capacity-optimized"
      }

      launch_template {
        launch_template_specification {
          launch_template_id = mixed_instances_policy.value.id
          version            = mixed_instances_policy.value.latest_version
        }
      }
    }
  }

  # Here and not as resources of their own, so that the first instances meet them too. (Terraform
  # does not carry later changes of these two to a group that exists.)
  initial_lifecycle_hook {
    name                 = "launch"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_LAUNCHING"
    heartbeat_timeout    = 900
    default_result       = "ABANDON"
  }

  initial_lifecycle_hook {
    name                 = "terminate"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
    heartbeat_timeout    = 180
    default_result       = "CONTINUE"
  }

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 100
      max_healthy_percentage = 150
      auto_rollback          = true
    }
  }

  dynamic "tag" {
    for_each = merge(local.tags, { Name = local.web_group_name })

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = false
    }
  }

  lifecycle {
    # The controller's and the policies' business from the first minute on.
    ignore_changes = [desired_capacity]
  }

  # The way out and the rights must be there before the instances, and outlive them.
  depends_on = [
    aws_iam_role_policy.instances,
    aws_route.internet,
    aws_route.nat,
    aws_route_table_association.private,
    aws_secretsmanager_secret_version.app,
    aws_vpc_security_group_egress_rule.data,
    aws_vpc_security_group_egress_rule.https,
    aws_vpc_security_group_ingress_rule.data,
    aws_vpc_security_group_ingress_rule.web_from_load_balancer,
  ]
}

resource "aws_autoscaling_group" "worker" {
  #checkov:skip=CKV_AWS_153:The tags are there, by a dynamic block.
  name                = "${local.name}-worker"
  min_size            = 1
  max_size            = 1
  desired_capacity    = 1
  vpc_zone_identifier = aws_subnet.private[*].id

  health_check_type         = "EC2"
  health_check_grace_period = 300
  wait_for_capacity_timeout = "0"
  force_delete              = var.allow_destroy

  launch_template {
    id      = aws_launch_template.this["worker"].id
    version = aws_launch_template.this["worker"].latest_version
  }

  # The old one goes before the new one comes: there is never a second beat.
  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 0
      max_healthy_percentage = 100
    }
  }

  dynamic "tag" {
    for_each = merge(local.tags, { Name = "${local.name}-worker" })

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = false
    }
  }

  depends_on = [
    aws_iam_role_policy.instances,
    aws_route.internet,
    aws_route.nat,
    aws_route_table_association.private,
    aws_secretsmanager_secret_version.app,
    aws_vpc_security_group_egress_rule.data,
    aws_vpc_security_group_egress_rule.https,
    aws_vpc_security_group_ingress_rule.data,
  ]
}

# While the controller observes, these scale the group. When it takes over, it turns them into a
# safety net: other targets, no scale-in. Those two fields are therefore not Terraform's.

resource "aws_autoscaling_policy" "cpu" {
  name                      = "${local.name}-cpu"
  autoscaling_group_name    = aws_autoscaling_group.web.name
  policy_type               = "TargetTrackingScaling"
  estimated_instance_warmup = var.group.boot_seconds

  target_tracking_configuration {
    target_value = var.group.cpu_target_percent

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }

  lifecycle {
    ignore_changes = [
      target_tracking_configuration[0].target_value,
      target_tracking_configuration[0].disable_scale_in,
    ]
  }
}

resource "aws_autoscaling_policy" "requests" {
  name                      = "${local.name}-requests"
  autoscaling_group_name    = aws_autoscaling_group.web.name
  policy_type               = "TargetTrackingScaling"
  estimated_instance_warmup = var.group.boot_seconds

  target_tracking_configuration {
    target_value = var.group.requests_target

    predefined_metric_specification {
      predefined_metric_type = "ALBRequestCountPerTarget"
      resource_label         = "${local.load_balancer_dimension}/${local.target_group_dimension}"
    }
  }

  lifecycle {
    ignore_changes = [
      target_tracking_configuration[0].target_value,
      target_tracking_configuration[0].disable_scale_in,
    ]
  }

  # AWS refuses the label until the target group hangs on a listener.
  depends_on = [aws_lb_listener.http, aws_lb_listener.https]
}

# AWS's own forecast beside ours, never acting: ForecastOnly.
resource "aws_autoscaling_policy" "native_forecast" {
  count = var.group.native_forecast ? 1 : 0

  name                   = "${local.name}-native-forecast"
  autoscaling_group_name = aws_autoscaling_group.web.name
  policy_type            = "PredictiveScaling"

  predictive_scaling_configuration {
    mode                   = "ForecastOnly"
    scheduling_buffer_time = var.group.boot_seconds

    metric_specification {
      target_value = var.group.cpu_target_percent

      predefined_metric_pair_specification {
        predefined_metric_type = "ASGCPUUtilization"
      }
    }
  }
}
