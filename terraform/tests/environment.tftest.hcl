# What holds for every environment. Run with -var-file=environments/NAME.tfvars.

mock_provider "aws" {
  source = "./tests/mocks"
}

# Never called: secrets.generate is false. Mocks know no ephemeral resources, and this one is real.
provider "aws" {
  alias = "ephemeral"

  region                      = "us-east-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  secrets = { generate = false }
}

run "plan" {
  command = plan

  assert {
    condition     = strcontains(aws_cloudwatch_dashboard.this.dashboard_name, var.project_name)
    error_message = "The dashboard carries the project's name."
  }

  assert {
    condition     = var.controller.mode == "observe"
    error_message = "A new environment observes until somebody decides otherwise."
  }

  assert {
    condition     = var.environment == "prod" || !aws_lb.this.enable_deletion_protection
    error_message = "Only prod resists being destroyed."
  }

  assert {
    condition = var.environment != "prod" || (
      aws_lb.this.enable_deletion_protection &&
      aws_db_instance.this.deletion_protection &&
      !aws_db_instance.this.skip_final_snapshot &&
      !aws_s3_bucket.this["records"].force_destroy &&
      aws_db_instance.this.multi_az &&
      length(aws_nat_gateway.this) == var.network.zones
    )
    error_message = "prod is protected and survives the loss of a zone."
  }

  assert {
    condition     = var.environment != "prod" || !startswith(var.group.instance_type, "t")
    error_message = "prod runs on no burstable type: at 70 % those charge surplus credits."
  }

  assert {
    condition     = var.environment != "prod" || var.ami_id != null
    error_message = "prod changes its image when somebody says so, not with every apply."
  }

  assert {
    condition     = var.environment != "dev" || length(aws_nat_gateway.this) == 1
    error_message = "dev has one NAT gateway."
  }

  assert {
    condition     = aws_lb.this.idle_timeout < 35
    error_message = "The load balancer lets go of idle connections before Saleor does."
  }

  assert {
    condition     = aws_cloudwatch_event_rule.tick.schedule_expression == "cron(2/5 * * * ? *)"
    error_message = "The controller is called two minutes past each five."
  }
}
