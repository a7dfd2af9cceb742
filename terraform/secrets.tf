# No secret is in the state, in user data or in a variable. Django's key and the application's
# database password are made by Secrets Manager and handed on as write-only values; the RSA key is
# made by the release step; RDS makes and rotates the master password itself, where it can.

ephemeral "aws_secretsmanager_random_password" "django_key" {
  count    = var.secrets.generate ? 1 : 0
  provider = aws.ephemeral

  password_length     = 64
  exclude_punctuation = true
}

# Letters and digits only: it becomes part of a URL.
ephemeral "aws_secretsmanager_random_password" "database" {
  count    = var.secrets.generate ? 1 : 0
  provider = aws.ephemeral

  password_length     = 40
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "app" {
  #checkov:skip=CKV2_AWS_57:Rotated by raising secrets.version, with a rolling refresh after it.
  name                    = "${local.name}/app"
  description             = "Django's secret key and the application's database password"
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = var.allow_destroy ? 0 : 7
}

resource "aws_secretsmanager_secret_version" "app" {
  count = var.secrets.generate ? 1 : 0

  secret_id = aws_secretsmanager_secret.app.id

  secret_string_wo = jsonencode({
    SECRET_KEY        = ephemeral.aws_secretsmanager_random_password.django_key[0].random_password
    DATABASE_PASSWORD = ephemeral.aws_secretsmanager_random_password.database[0].random_password
  })
  secret_string_wo_version = var.secrets.version
}

# RDS manages no master password of a database that has a replica: then it is made here, for as
# long. The database takes what the secret holds, so that an apply that stopped halfway can go on.
locals {
  own_master     = var.database.read_replica ? 1 : 0
  made_master    = var.secrets.generate ? local.own_master : 0
  master_name    = "saleor_master"
  master_managed = var.database.read_replica ? null : true
}

ephemeral "aws_secretsmanager_random_password" "master" {
  count    = local.made_master
  provider = aws.ephemeral

  password_length     = 40
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "master" {
  #checkov:skip=CKV2_AWS_57:Changed by raising secrets.version, as the application's own.
  count = local.own_master

  name                    = "${local.name}/database-master"
  description             = "The database's master user, for the release step"
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = var.allow_destroy ? 0 : 7
}

resource "aws_secretsmanager_secret_version" "master" {
  count = local.made_master

  secret_id = aws_secretsmanager_secret.master[0].id

  secret_string_wo = jsonencode({
    username = local.master_name
    password = ephemeral.aws_secretsmanager_random_password.master[0].random_password
  })
  secret_string_wo_version = var.secrets.version
}

ephemeral "aws_secretsmanager_secret_version" "master" {
  count    = local.made_master
  provider = aws.ephemeral

  secret_id = aws_secretsmanager_secret_version.master[0].secret_id
  # Of this version, so that it is read only once that is written.
  version_id = aws_secretsmanager_secret_version.master[0].version_id
}

# Empty until the release step has made the key: it signs the shop's tokens on every instance.
resource "aws_secretsmanager_secret" "rsa" {
  #checkov:skip=CKV2_AWS_57:A new signing key ends every customer's session; that is a decision.
  name                    = "${local.name}/rsa-private-key"
  description             = "RSA key that signs the shop's tokens; written by the release step"
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = var.allow_destroy ? 0 : 7
}
