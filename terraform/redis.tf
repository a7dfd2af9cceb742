# Cache (database 1) and Celery's broker (database 0). A replication group even for one node,
# because only these speak TLS.

locals {
  own_redis = var.redis.existing_host == null
}

resource "aws_elasticache_subnet_group" "this" {
  count = local.own_redis ? 1 : 0

  name       = local.name
  subnet_ids = aws_subnet.isolated[*].id
}

resource "aws_elasticache_parameter_group" "this" {
  count = local.own_redis ? 1 : 0

  name   = local.name
  family = "redis7"

  # Cached entries have an end and may be dropped; queued tasks have none and must stay.
  parameter {
    name  = "maxmemory-policy"
    value = "volatile-lru"
  }
}

resource "aws_elasticache_replication_group" "this" {
  #checkov:skip=CKV_AWS_31:A token would stand in the state; the network and TLS guard it instead.
  #checkov:skip=CKV2_AWS_50:Failover comes with a second node; redis.nodes is 2 by default.
  count = local.own_redis ? 1 : 0

  replication_group_id = local.name
  description          = "Cache and task queue of the shop"
  engine               = "redis"
  engine_version       = "7.1"
  node_type            = var.redis.node_type
  parameter_group_name = aws_elasticache_parameter_group.this[0].name
  port                 = local.data_ports.redis

  num_cache_clusters         = var.redis.nodes
  automatic_failover_enabled = var.redis.nodes > 1
  multi_az_enabled           = var.redis.nodes > 1
  subnet_group_name          = aws_elasticache_subnet_group.this[0].name
  security_group_ids         = [aws_security_group.data["redis"].id]

  transit_encryption_enabled = true
  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.this.arn

  # Tasks survive a restart of all nodes by the day's snapshot, and only by that.
  snapshot_retention_limit   = 1
  snapshot_window            = "03:00-04:00"
  maintenance_window         = "sun:05:00-sun:06:00"
  auto_minor_version_upgrade = true
  apply_immediately          = true
}
