resource "aws_db_subnet_group" "this" {
  name       = local.name
  subnet_ids = aws_subnet.isolated[*].id
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${local.name}-"
  family      = "postgres${split(".", var.database.engine_version)[0]}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  # Slow statements only. Statements as such are not logged: one of them sets a password.
  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }

  parameter {
    name         = "max_connections"
    value        = tostring(var.database.max_connections)
    apply_method = "pending-reboot"
  }

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # Every web instance at full size, the worker twice (one may be going), and a few for people.
  connections_needed = (
    (var.group.max_size + 2) * var.saleor.connections_per_instance + 10
  )
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_133:database.backup_days is 1 to 35, which checkov does not look up.
  #checkov:skip=CKV_AWS_157:Multi-AZ is the default; dev turns it off by database.multi_az.
  #checkov:skip=CKV_AWS_293:Deletion protection is on unless allow_destroy was set on purpose.
  #checkov:skip=CKV_AWS_353:Performance Insights is the default; database.performance_insights.
  #checkov:skip=CKV_AWS_161:The application takes a password in a URL; nobody logs in by IAM.
  #checkov:skip=CKV2_AWS_30:Logging statements would write the application's password to the log.
  identifier     = local.name
  engine         = "postgres"
  engine_version = var.database.engine_version
  instance_class = var.database.instance_class

  db_name  = "saleor"
  username = local.master_name
  # RDS rotates it every seven days, so the application has a user of its own.
  manage_master_user_password   = local.master_managed
  master_user_secret_kms_key_id = local.master_managed == null ? null : aws_kms_key.this.arn
  password_wo = (
    local.made_master == 0 ? null
    : jsondecode(ephemeral.aws_secretsmanager_secret_version.master[0].secret_string).password
  )
  password_wo_version = local.made_master == 0 ? null : var.secrets.version

  multi_az               = var.database.multi_az
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.data["database"].id]
  publicly_accessible    = false
  parameter_group_name   = aws_db_parameter_group.this.name

  storage_type          = "gp3"
  allocated_storage     = var.database.storage_gib
  max_allocated_storage = var.database.max_storage_gib
  storage_encrypted     = true
  kms_key_id            = aws_kms_key.this.arn

  backup_retention_period    = var.database.backup_days
  backup_window              = "01:00-02:00"
  maintenance_window         = "sun:05:00-sun:06:00"
  copy_tags_to_snapshot      = true
  auto_minor_version_upgrade = true

  performance_insights_enabled    = var.database.performance_insights
  performance_insights_kms_key_id = var.database.performance_insights ? aws_kms_key.this.arn : null
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.database_monitoring.arn
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]

  deletion_protection       = !var.allow_destroy
  skip_final_snapshot       = var.environment != "prod"
  final_snapshot_identifier = "${local.name}-final-${formatdate("YYYYMMDDhhmmss", timestamp())}"

  lifecycle {
    # Fixed at creation, so that each life of the database has a final snapshot of its own.
    ignore_changes = [final_snapshot_identifier]

    precondition {
      condition     = local.connections_needed <= var.database.max_connections
      error_message = <<-TEXT
        The instances may open ${local.connections_needed} database connections, but
        database.max_connections is ${var.database.max_connections}: lower group.max_size or
        saleor.connections_per_instance, or raise max_connections as far as the class has memory.
      TEXT
    }
  }

  depends_on = [aws_cloudwatch_log_group.database]
}

# Made before the database writes to them, or they would have no end and outlive it.
resource "aws_cloudwatch_log_group" "database" {
  #checkov:skip=CKV_AWS_338:Slow statements are looked at within weeks; a year of them is cost.
  for_each = toset(["postgresql", "upgrade"])

  name              = "/aws/rds/instance/${local.name}/${each.key}"
  retention_in_days = 30
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_db_instance" "replica" {
  #checkov:skip=CKV_AWS_157:A replica is itself the spare.
  #checkov:skip=CKV_AWS_293:It holds nothing that the primary has not.
  #checkov:skip=CKV_AWS_353:Performance Insights is the default; database.performance_insights.
  #checkov:skip=CKV_AWS_161:As the primary.
  #checkov:skip=CKV2_AWS_30:As the primary.
  #checkov:skip=CKV_AWS_129:As the primary, whose log groups exist; a replica's would be unmanaged.
  count = var.database.read_replica ? 1 : 0

  identifier           = "${local.name}-replica"
  replicate_source_db  = aws_db_instance.this.identifier
  instance_class       = var.database.instance_class
  parameter_group_name = aws_db_parameter_group.this.name
  storage_encrypted    = true

  vpc_security_group_ids     = [aws_security_group.data["database"].id]
  publicly_accessible        = false
  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true

  performance_insights_enabled    = var.database.performance_insights
  performance_insights_kms_key_id = var.database.performance_insights ? aws_kms_key.this.arn : null
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.database_monitoring.arn

  skip_final_snapshot = true
}
