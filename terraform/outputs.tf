output "shop_url" {
  description = "Where the shop answers; its API is below /graphql/."
  value       = "${local.shop_url}/"
}

output "dashboard_url" {
  description = "The dashboard in the console."
  value = join("", [
    "https://${var.aws_region}.console.aws.amazon.com/cloudwatch/home?region=${var.aws_region}",
    "#dashboards/dashboard/${aws_cloudwatch_dashboard.this.dashboard_name}",
  ])
}

output "group_name" {
  description = "The scaled Auto Scaling group."
  value       = aws_autoscaling_group.web.name
}

output "records_bucket" {
  description = "Bucket of models, decisions and history."
  value       = aws_s3_bucket.this["records"].bucket
}

output "media_bucket" {
  description = "Bucket of the shop's media."
  value       = aws_s3_bucket.this["media"].bucket
}

output "function_name" {
  description = "The controller's function."
  value       = aws_lambda_function.controller.function_name
}

output "topic_arn" {
  description = "Topic of alarms, budget alerts and scaling notifications."
  value       = aws_sns_topic.alarms.arn
}

output "environment_lines" {
  description = "What train_model.py, the command line and the scripts read; `eval` it in a shell."
  value = join("\n", [
    for name, value in merge(
      { AWS_REGION = var.aws_region },
      {
        for name, value in local.controller_environment : name => value
        # These are for the module's own group.
        if value != null && name != "AUTOSCALER_GROUPS"
      },
    ) : "export ${name}='${replace(tostring(value), "'", "'\\''")}'"
  ])
}
