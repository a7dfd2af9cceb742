# No secret is in the state, in user data or in a variable. Django's key and the application's
# database password are made by Secrets Manager and handed on as write-only values; the RSA key is
# made by the release step; RDS makes and rotates the master password itself.

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

# Empty until the release step has made the key: it signs the shop's tokens on every instance.
resource "aws_secretsmanager_secret" "rsa" {
  #checkov:skip=CKV2_AWS_57:A new signing key ends every customer's session; that is a decision.
  name                    = "${local.name}/rsa-private-key"
  description             = "RSA key that signs the shop's tokens; written by the release step"
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = var.allow_destroy ? 0 : 7
}
