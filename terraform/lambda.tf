resource "aws_cloudwatch_log_group" "controller" {
  #checkov:skip=CKV_AWS_338:Each decision has a record in S3; the log is for the last weeks.
  name              = "/aws/lambda/${local.name}-controller"
  retention_in_days = var.lambda.log_days
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_lambda_function" "controller" {
  #checkov:skip=CKV_AWS_115:New accounts have 10 to share, and reserving one of them fails.
  #checkov:skip=CKV_AWS_116:Failed events go to a queue, by the event invoke configuration.
  #checkov:skip=CKV_AWS_117:It talks to AWS only; in the VPC it would need NAT to do so.
  #checkov:skip=CKV_AWS_173:The environment holds names and numbers, nothing secret.
  #checkov:skip=CKV_AWS_272:The zip comes from this repository and is compared by its hash.
  #checkov:skip=CKV_AWS_50:Each tick logs and records what it did; traces would add cost only.
  function_name = "${local.name}-controller"
  description   = "Decides how many instances of ${local.web_group_name} to run"
  role          = aws_iam_role.controller.arn
  handler       = "lambda_function.lambda_handler"
  runtime       = "python3.13"
  architectures = [var.lambda.architecture]
  memory_size   = var.lambda.memory_mb
  timeout       = var.lambda.timeout_seconds

  filename = local.lambda_zip
  # Plans and tests need no zip; the precondition below asks for it when one is uploaded.
  source_code_hash = fileexists(local.lambda_zip) ? filebase64sha256(local.lambda_zip) : null

  reserved_concurrent_executions = coalesce(var.lambda.reserved_concurrency, -1)

  environment {
    variables = {
      for name, value in local.controller_environment : name => tostring(value) if value != null
    }
  }

  lifecycle {
    precondition {
      # The role's name is known only once there is a role, so a first plan does not stop here.
      condition     = fileexists(local.lambda_zip) || aws_iam_role.controller.unique_id == ""
      error_message = "${local.lambda_zip} does not exist: build it first, see DEPLOYMENT.md."
    }
  }

  depends_on = [aws_cloudwatch_log_group.controller, aws_iam_role_policy.controller]
}

# A tick that failed is not repeated: the next one knows more.
resource "aws_lambda_function_event_invoke_config" "controller" {
  function_name                = aws_lambda_function.controller.function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed_events.arn
    }
  }
}

resource "aws_sqs_queue" "failed_events" {
  name                      = "${local.name}-failed-events"
  message_retention_seconds = 14 * 24 * 3600
  sqs_managed_sse_enabled   = true
}

locals {
  # "2/5" is minutes 2, 7, 12 and so on: late enough for the interval's metrics to be there, and,
  # unlike with rate(), always the same.
  schedule_minutes = (
    var.controller.interval_minutes == 60
    ? var.controller.phase_minutes
    : "${var.controller.phase_minutes}/${var.controller.interval_minutes}"
  )
}

resource "aws_cloudwatch_event_rule" "tick" {
  name                = "${local.name}-tick"
  description         = "Calls the controller once per control interval"
  schedule_expression = "cron(${local.schedule_minutes} * * * ? *)"
}

resource "aws_cloudwatch_event_target" "tick" {
  rule = aws_cloudwatch_event_rule.tick.name
  arn  = aws_lambda_function.controller.arn

  retry_policy {
    maximum_retry_attempts       = 0
    maximum_event_age_in_seconds = 60
  }
}

resource "aws_lambda_permission" "tick" {
  statement_id  = "tick"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.controller.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.tick.arn
}
