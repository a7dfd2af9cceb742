# Who may speak to whom. Rules are resources of their own, so that groups can name each other.

resource "aws_security_group" "load_balancer" {
  name        = "${local.name}-load-balancer"
  description = "HTTP and HTTPS from anywhere, to the web instances"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-load-balancer" }
}

resource "aws_vpc_security_group_ingress_rule" "public" {
  #checkov:skip=CKV_AWS_260:A shop is open to everyone; with a certificate, port 80 only redirects.
  for_each = { http = 80, https = 443 }

  security_group_id = aws_security_group.load_balancer.id
  description       = "${upper(each.key)} from anywhere"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "load_balancer_to_web" {
  security_group_id            = aws_security_group.load_balancer.id
  description                  = "Requests and health checks to the web instances"
  referenced_security_group_id = aws_security_group.instances["web"].id
  ip_protocol                  = "tcp"
  from_port                    = local.app_port
  to_port                      = local.app_port
}

resource "aws_security_group" "instances" {
  #checkov:skip=CKV2_AWS_5:The launch templates use it, each by its key, which checkov cannot see.
  for_each = {
    web    = "Web instances: requests from the load balancer only"
    worker = "The worker: nobody calls it"
  }

  name        = "${local.name}-${each.key}"
  description = each.value
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "web_from_load_balancer" {
  security_group_id            = aws_security_group.instances["web"].id
  description                  = "Requests and health checks from the load balancer"
  referenced_security_group_id = aws_security_group.load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = local.app_port
  to_port                      = local.app_port
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  #checkov:skip=CKV_AWS_24:There only with var.ssh, which refuses any range wider than a /16.
  for_each = var.ssh == null ? {} : aws_security_group.instances

  security_group_id = each.value.id
  description       = "SSH from the given range"
  cidr_ipv4         = var.ssh.cidr
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

# AWS's own interfaces, the image registry, the package mirrors and payment providers have no fixed
# addresses, but all of them speak HTTPS.
resource "aws_vpc_security_group_egress_rule" "https" {
  for_each = aws_security_group.instances

  security_group_id = each.value.id
  description       = "HTTPS to AWS, registries and providers"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "mail" {
  for_each = var.saleor.email_url_secret_arn == null ? {} : aws_security_group.instances

  security_group_id = each.value.id
  description       = "Mail to the SMTP server"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = var.saleor.email_port
  to_port           = var.saleor.email_port
}

locals {
  data_ports = { database = 5432, redis = 6379 }

  data_rules = merge([
    for store, port in local.data_ports : {
      for kind in ["web", "worker"] :
      "${kind}-${store}" => { store = store, kind = kind, port = port }
    }
  ]...)
}

resource "aws_security_group" "data" {
  for_each = local.data_ports

  name        = "${local.name}-${each.key}"
  description = "Port ${each.value} from the instances only, and no way out"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${local.name}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "data" {
  for_each = local.data_rules

  security_group_id            = aws_security_group.data[each.value.store].id
  description                  = "From the ${each.value.kind} instances"
  referenced_security_group_id = aws_security_group.instances[each.value.kind].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "data" {
  for_each = local.data_rules

  security_group_id            = aws_security_group.instances[each.value.kind].id
  description                  = "To the ${each.value.store}"
  referenced_security_group_id = aws_security_group.data[each.value.store].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}
