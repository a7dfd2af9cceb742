# One key for all data at rest, and three buckets: records (models, decisions, history, release
# marks), media of the shop, and logs of the load balancer.

resource "aws_kms_key" "this" {
  description             = "Data at rest of ${local.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 7
  policy                  = jsonencode({ Version = "2012-10-17", Statement = local.key_statements })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.this.key_id
}

locals {
  root_arn = "arn:${local.partition}:iam::${local.account_id}:root"

  key_statements = [
    {
      Sid       = "TheAccountDecidesByItsOwnPolicies"
      Effect    = "Allow"
      Principal = { AWS = local.root_arn }
      Action    = "kms:*"
      Resource  = "*"
    },
    {
      # As CloudWatch documents it: with a condition here, alarms would fall silent unnoticed.
      Sid       = "AlarmsToTheTopic"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
    },
    {
      Sid       = "BudgetsToTheTopic"
      Effect    = "Allow"
      Principal = { Service = "budgets.amazonaws.com" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    },
    {
      # Auto Scaling notifies by its service-linked role, which a new account has only once it has
      # a group. A policy may not name a principal that is not there yet, but a condition may.
      Sid       = "ScalingNotificationsToTheTopic"
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
      Resource  = "*"
      Condition = {
        ArnEquals = {
          "aws:PrincipalArn" = join("", [
            "arn:${local.partition}:iam::${local.account_id}:role/aws-service-role/",
            "autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
          ])
        }
        StringEquals = { "kms:ViaService" = "sns.${var.aws_region}.amazonaws.com" }
      }
    },
    {
      Sid       = "LogGroups"
      Effect    = "Allow"
      Principal = { Service = "logs.${var.aws_region}.amazonaws.com" }
      Action = [
        "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*",
      ]
      Resource = "*"
      Condition = {
        ArnLike = {
          "kms:EncryptionContext:aws:logs:arn" = (
            "arn:${local.partition}:logs:${var.aws_region}:${local.account_id}:log-group:*"
          )
        }
      }
    },
  ]
}

locals {
  buckets = merge(
    {
      records = local.records_bucket
      media   = local.media_bucket
    },
    var.load_balancer.access_logs ? { logs = local.logs_bucket } : {},
  )
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:Access logs of the logs' bucket would log themselves; CloudTrail serves.
  #checkov:skip=CKV_AWS_144:A copy in another region is for data that cannot be made again.
  #checkov:skip=CKV2_AWS_62:Nothing waits for new objects.
  for_each = local.buckets

  bucket        = each.value
  force_destroy = var.allow_destroy
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    # A bucket key saves a call to KMS for nearly every object.
    bucket_key_enabled = each.key != "logs"

    apply_server_side_encryption_by_default {
      # Load balancers can write to buckets under S3's own key only.
      sse_algorithm     = each.key == "logs" ? "AES256" : "aws:kms"
      kms_master_key_id = each.key == "logs" ? null : aws_kms_key.this.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.storage.old_versions_days
    }

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # A decision is looked up for weeks, not for years; 105,000 of them a year are made. Nothing else
  # of the records may go by its age: models and their pointers are used as long as they last.
  dynamic "rule" {
    for_each = each.key == "records" ? ["decisions/"] : []

    content {
      id     = "old-decisions"
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      expiration {
        days = 90
      }
    }
  }

  dynamic "rule" {
    for_each = each.key == "logs" ? ["load-balancer/"] : []

    content {
      id     = "old-logs"
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      expiration {
        days = 90
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

locals {
  tls_only_statements = {
    for key, bucket in aws_s3_bucket.this : key => [
      for wanted in var.storage.tls_only ? ["TlsOnly"] : [] : {
        Sid       = wanted
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [bucket.arn, "${bucket.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }
    ]
  }

  log_delivery_statements = {
    for key, bucket in aws_s3_bucket.this : key => [
      for wanted in key == "logs" ? ["LoadBalancerLogs"] : [] : {
        Sid       = wanted
        Effect    = "Allow"
        Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${bucket.arn}/load-balancer/AWSLogs/${local.account_id}/*"
      }
    ]
  }

  bucket_statements = {
    for key in keys(local.buckets) : key => concat(
      local.tls_only_statements[key], local.log_delivery_statements[key]
    ) if var.storage.tls_only || key == "logs"
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.bucket_statements

  bucket = aws_s3_bucket.this[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })

  depends_on = [aws_s3_bucket_public_access_block.this]
}
