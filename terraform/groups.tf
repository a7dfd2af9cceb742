# Other groups that the same function looks after. Their list is an object in the records bucket:
# an environment holds 4 KB only, and what changes in the object needs no new function.

locals {
  many_groups = length(var.more_groups) > 0
  groups_key  = "groups.json"

  # The module's own group always says its level: its alarms must not fall silent when there come
  # to be many others.
  own_metrics_level = coalesce(var.controller.metrics_level, "full")

  # As the package chooses where nobody does.
  group_count = 1 + length(var.more_groups)
  metrics_level_by_count = (
    local.group_count <= 10 ? "full" : local.group_count <= 100 ? "basic" : "none"
  )

  aims = ["miss_price", "missed_budget", "quantile"]

  # The list is laid over the environment, which is about the module's own group. A null in it
  # takes back what must not be passed on: what is that group's alone, and the controller's aim
  # where a group has one of its own.
  groups_list = {
    defaults = {
      target_group          = null
      capacity_per_instance = null
      requests_per_target   = null
      target_cpu_percent    = null
      instance_hour_price   = null
      surplus_hour_price    = null
      baseline_cpu_percent  = null
      spending_cap_usd      = null
      model                 = null
    }
    groups = {
      for name, group in var.more_groups : name => {
        for key, value in merge(group, {
          metrics_level = coalesce(group.metrics_level, local.metrics_level_by_count)
        }) : key => value
        if value != null || (
          contains(local.aims, key) && anytrue([for aim in local.aims : group[aim] != null])
        )
      }
    }
  }

  groups_address = one([for object in aws_s3_object.groups : "s3://${object.bucket}/${object.key}"])
}

resource "aws_s3_object" "groups" {
  count = local.many_groups ? 1 : 0

  bucket       = aws_s3_bucket.this["records"].bucket
  key          = local.groups_key
  content      = jsonencode(local.groups_list)
  content_type = "application/json"
  kms_key_id   = aws_kms_key.this.arn

  # Rights come before the groups that need them.
  depends_on = [
    aws_iam_role_policy.controller,
    aws_s3_bucket_public_access_block.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_versioning.this,
  ]
}
