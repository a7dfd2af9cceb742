resource "aws_lb" "this" {
  #checkov:skip=CKV_AWS_150:Deletion protection is on unless allow_destroy was set on purpose.
  #checkov:skip=CKV_AWS_91:Access logs are on by default; load_balancer.access_logs turns them off.
  #checkov:skip=CKV2_AWS_28:A WAF costs by the request: load_balancer.web_acl_arn attaches one.
  #checkov:skip=CKV2_AWS_76:As above; and there is no Java here.
  #checkov:skip=CKV2_AWS_20:With a certificate HTTP redirects; without one there is no HTTPS.
  name               = local.name
  load_balancer_type = "application"
  internal           = false
  subnets            = aws_subnet.public[*].id
  security_groups    = [aws_security_group.load_balancer.id]

  idle_timeout               = var.load_balancer.idle_timeout_seconds
  drop_invalid_header_fields = true
  enable_deletion_protection = !var.allow_destroy

  dynamic "access_logs" {
    for_each = var.load_balancer.access_logs ? [aws_s3_bucket.this["logs"].bucket] : []

    content {
      bucket  = access_logs.value
      prefix  = "load-balancer"
      enabled = true
    }
  }

  # The balancer tries to write a test object as soon as it is told of the bucket.
  depends_on = [aws_s3_bucket_policy.this]
}

resource "aws_lb_target_group" "web" {
  #checkov:skip=CKV_AWS_378:TLS ends at the load balancer; the backend speaks HTTP inside the VPC.
  name        = local.name
  vpc_id      = aws_vpc.this.id
  target_type = "instance"
  port        = local.app_port
  protocol    = "HTTP"

  # Checkouts take about a second; a round-robin would pile them onto whoever is slow already.
  load_balancing_algorithm_type = "least_outstanding_requests"
  deregistration_delay          = 60

  health_check {
    # Answered for any host name and without the database; /graphql/ would be a 400 to an IP.
    path                = "/health/"
    matcher             = "200"
    interval            = 15
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "http" {
  #checkov:skip=CKV_AWS_2:It redirects to HTTPS as soon as there is a certificate.
  #checkov:skip=CKV_AWS_103:HTTP has no TLS version; the HTTPS listener has a modern policy.
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  dynamic "default_action" {
    for_each = local.https ? [] : [aws_lb_target_group.web.arn]

    content {
      type             = "forward"
      target_group_arn = default_action.value
    }
  }

  dynamic "default_action" {
    for_each = local.https ? ["443"] : []

    content {
      type = "redirect"

      redirect {
        protocol    = "HTTPS"
        port        = default_action.value
        status_code = "HTTP_301"
      }
    }
  }
}

resource "aws_lb_listener" "https" {
  count = local.https ? 1 : 0

  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = var.certificate_arn
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}

resource "aws_route53_record" "shop" {
  count = var.hosted_zone_id == null ? 0 : 1

  zone_id = var.hosted_zone_id
  name    = var.domain
  type    = "A"

  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = true
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  count = var.load_balancer.web_acl_arn == null ? 0 : 1

  resource_arn = aws_lb.this.arn
  web_acl_arn  = var.load_balancer.web_acl_arn
}
