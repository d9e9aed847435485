# Redis (Valkey) as index of manifests, job table and worker registry: encrypted at rest and on the
# wire, with a token, reachable by the functions only.

locals {
  create = nonsensitive(var.existing_url == null)
}

# 122 random bits each; they stay as they are for as long as the state lives.
resource "terraform_data" "token" {
  count = local.create ? 1 : 0
  input = "${uuid()}-${uuid()}"

  lifecycle {
    ignore_changes = [input]
  }
}

resource "aws_security_group" "this" {
  count = local.create ? 1 : 0

  name        = "${var.name}-manifest-store"
  description = "Manifest store of Sluice: in from its clients"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-manifest-store" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = local.create ? var.client_security_group_ids : {}

  security_group_id            = aws_security_group.this[0].id
  description                  = "Clients: ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}

resource "aws_vpc_security_group_egress_rule" "clients" {
  for_each = local.create ? var.client_security_group_ids : {}

  security_group_id            = each.value
  description                  = "Manifest store of Sluice"
  referenced_security_group_id = aws_security_group.this[0].id
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}

resource "aws_elasticache_subnet_group" "this" {
  count = local.create ? 1 : 0

  name       = var.name
  subnet_ids = var.subnet_ids
  tags       = var.tags
}

# Leases and the index must not be evicted: a full store refuses writes, and says so.
resource "aws_elasticache_parameter_group" "this" {
  count = local.create ? 1 : 0

  name   = "${var.name}-valkey${split(".", var.engine_version)[0]}"
  family = "valkey${split(".", var.engine_version)[0]}"
  tags   = var.tags

  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }
}

resource "aws_elasticache_replication_group" "this" {
  count = local.create ? 1 : 0

  replication_group_id = var.name
  description          = "Sluice: index of manifests, jobs, workers"

  engine               = "valkey"
  engine_version       = var.engine_version
  node_type            = var.node_type
  port                 = 6379
  parameter_group_name = aws_elasticache_parameter_group.this[0].name

  num_cache_clusters         = 1 + var.replicas
  automatic_failover_enabled = var.replicas > 0
  multi_az_enabled           = var.replicas > 0

  subnet_group_name  = aws_elasticache_subnet_group.this[0].name
  security_group_ids = [aws_security_group.this[0].id]

  at_rest_encryption_enabled = true
  kms_key_id                 = var.kms_key_arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  auth_token                 = terraform_data.token[0].output

  snapshot_retention_limit = var.snapshot_days
  apply_immediately        = false
  tags                     = var.tags

  lifecycle {
    precondition {
      condition     = length(var.subnet_ids) >= (var.replicas > 0 ? 2 : 1)
      error_message = "A store with ${var.replicas} replicas needs ${var.replicas > 0 ? "subnets in two zones" : "a subnet"}, got ${length(var.subnet_ids)} subnets."
    }
  }
}
