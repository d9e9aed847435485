# The least that runs: a bucket, a small manifest store and the functions in a network of their own.

provider "aws" {
  region = var.region

  default_tags {
    tags = { Application = "sluice" }
  }
}

data "aws_caller_identity" "current" {}

data "aws_availability_zones" "available" {
  state = "available"
}

module "network" {
  source = "../../modules/network"

  name               = var.name
  availability_zones = slice(sort(data.aws_availability_zones.available.names), 0, 2)
}

module "shard_store" {
  source = "../../modules/shard-store"

  name          = "${var.name}-shards-${data.aws_caller_identity.current.account_id}"
  force_destroy = var.force_destroy
}

module "manifest_store" {
  source = "../../modules/manifest-store"

  name                      = var.name
  existing_url              = var.redis_url
  vpc_id                    = var.redis_url == null ? module.network.vpc_id : null
  subnet_ids                = module.network.subnet_ids
  client_security_group_ids = { functions = module.network.functions_security_group_id }
  replicas                  = 0
}

module "functions" {
  source = "../../modules/functions"

  name               = var.name
  package            = { file = var.package }
  architecture       = var.architecture
  bucket_arn         = module.shard_store.arn
  source_bucket_arns = var.source_bucket_arns
  redis_url          = module.manifest_store.url
  subnet_ids         = module.network.subnet_ids
  security_group_ids = [module.network.functions_security_group_id]
}
