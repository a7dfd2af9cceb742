locals {
  name       = var.project_name
  account_id = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition

  tags = merge(var.tags, {
    Project     = var.project_name
    Environment = var.environment
    ManagedBy   = "terraform"
  })

  zones = slice(
    coalesce(var.network.zone_names, data.aws_availability_zones.usable.names), 0, var.network.zones
  )

  # Bucket names are taken worldwide; the account number makes ours free.
  records_bucket = "${local.name}-records-${local.account_id}"
  media_bucket   = "${local.name}-media-${local.account_id}"
  logs_bucket    = "${local.name}-logs-${local.account_id}"

  app_port = 8000
  https    = var.certificate_arn != null
  host     = coalesce(var.domain, aws_lb.this.dns_name)
  shop_url = "${local.https ? "https" : "http"}://${local.host}"
  redis_host = (
    local.own_redis
    ? aws_elasticache_replication_group.this[0].primary_endpoint_address
    : var.redis.existing_host
  )

  image = "${var.saleor.registry}/${var.saleor.repository}@${var.saleor.digest}"
  # Names the release in keys and logs; the digest without its "sha256:".
  release = trimprefix(var.saleor.digest, "sha256:")

  # CloudWatch wants the ends of the ARNs.
  load_balancer_dimension = aws_lb.this.arn_suffix
  target_group_dimension  = aws_lb_target_group.web.arn_suffix
  metrics_namespace       = "SaleorPredictiveScaling"

  lambda_zip = coalesce(
    var.lambda.zip, "${path.module}/../lambda/dist/predictive-autoscaler.zip"
  )

  # The whole environment of the controller. A null is a setting that takes its default.
  controller_environment = {
    ASG_NAME                          = aws_autoscaling_group.web.name
    LOAD_BALANCER                     = local.load_balancer_dimension
    TARGET_GROUP                      = local.target_group_dimension
    S3_BUCKET                         = aws_s3_bucket.this["records"].bucket
    SNS_TOPIC_ARN                     = aws_sns_topic.alarms.arn
    AUTOSCALER_GROUPS                 = local.groups_address
    AUTOSCALER_MODE                   = var.controller.mode
    AUTOSCALER_INTERVAL_MINUTES       = var.controller.interval_minutes
    AUTOSCALER_BOOT_MINUTES           = var.controller.boot_minutes
    AUTOSCALER_METRIC_DELAY_SECONDS   = var.controller.metric_delay_seconds
    AUTOSCALER_METRIC_PERIOD_SECONDS  = var.controller.metric_period_seconds
    AUTOSCALER_HISTORY_DAYS           = var.controller.history_days
    AUTOSCALER_TIMEZONE               = var.controller.timezone
    AUTOSCALER_CAPACITY_PER_INSTANCE  = var.controller.capacity_per_instance
    AUTOSCALER_REQUESTS_PER_TARGET    = var.group.requests_target
    AUTOSCALER_TARGET_CPU_PERCENT     = var.group.cpu_target_percent
    AUTOSCALER_MISS_PRICE             = var.controller.miss_price
    AUTOSCALER_MISSED_BUDGET          = var.controller.missed_budget
    AUTOSCALER_QUANTILE               = var.controller.quantile
    AUTOSCALER_INSTANCE_HOUR_PRICE    = var.controller.instance_hour_price
    AUTOSCALER_SURPLUS_HOUR_PRICE     = var.controller.surplus_hour_price
    AUTOSCALER_BASELINE_CPU_PERCENT   = var.controller.baseline_cpu_percent
    AUTOSCALER_SPENDING_CAP_USD       = var.controller.spending_cap_usd
    AUTOSCALER_SPENDING_PERIOD        = var.controller.spending_period
    AUTOSCALER_MAX_MODEL_AGE_DAYS     = var.controller.max_model_age_days
    AUTOSCALER_MODEL                  = var.controller.model
    AUTOSCALER_SCALE_IN_GRACE_MINUTES = var.controller.scale_in_grace_minutes
    AUTOSCALER_SCALE_IN_STEP_PERCENT  = var.controller.scale_in_step_percent
    AUTOSCALER_NOTIFY_STEP            = var.controller.notify_step
    AUTOSCALER_METRICS_LEVEL          = local.own_metrics_level
    AUTOSCALER_MODEL_CACHE_MB         = var.controller.model_cache_mb
  }
}
