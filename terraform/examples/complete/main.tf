# For production: three zones, keys of one's own, replicas, alarms by mail, an API with tokens, and
# objects that can be reached through the network of the functions only.

provider "aws" {
  region = var.region

  default_tags {
    tags = { Application = "sluice", Environment = var.environment }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

data "aws_availability_zones" "available" {
  state = "available"
}

locals {
  name = "${var.name}-${var.environment}"
}

data "aws_iam_policy_document" "key" {
  statement {
    sid       = "Administration"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }

  statement {
    sid       = "LogsAndAlarms"
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${var.region}.amazonaws.com", "cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_kms_key" "this" {
  description             = "Sluice ${var.environment}: shards, logs, alarms"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "this" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.this.key_id
}

module "network" {
  source = "../../modules/network"

  name                = local.name
  cidr                = var.cidr
  availability_zones  = slice(sort(data.aws_availability_zones.available.names), 0, 3)
  interface_endpoints = ["lambda", "xray"]
}

module "shard_store" {
  source = "../../modules/shard-store"

  name               = "${local.name}-shards-${data.aws_caller_identity.current.account_id}"
  kms_key_arn        = aws_kms_key.this.arn
  vpc_endpoint_ids   = [module.network.s3_endpoint_id]
  administrator_arns = var.administrator_arns
  noncurrent_days    = 30
  force_destroy      = var.force_destroy
}

module "manifest_store" {
  source = "../../modules/manifest-store"

  name                      = local.name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.subnet_ids
  client_security_group_ids = { functions = module.network.functions_security_group_id }
  node_type                 = "cache.r7g.large"
  replicas                  = 2
  kms_key_arn               = aws_kms_key.this.arn
  snapshot_days             = 7
}

resource "aws_sns_topic" "alarms" {
  name              = "${local.name}-alarms"
  kms_master_key_id = aws_kms_key.this.arn
}

resource "aws_sns_topic_subscription" "alarms" {
  for_each = var.alarm_emails

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

module "functions" {
  source = "../../modules/functions"

  name               = local.name
  package            = { file = var.package }
  architecture       = var.architecture
  bucket_arn         = module.shard_store.arn
  source_bucket_arns = var.source_bucket_arns
  kms_key_arn        = aws_kms_key.this.arn
  redis_url          = module.manifest_store.url
  subnet_ids         = module.network.subnet_ids
  security_group_ids = [module.network.functions_security_group_id]

  # 64 workers of 10 GB hold 480 GB of shards.
  worker = {
    memory      = 10240
    concurrency = 64
    fan_out     = 64
  }

  api                = var.api
  alarm_topic_arn    = aws_sns_topic.alarms.arn
  log_retention_days = 90
}
