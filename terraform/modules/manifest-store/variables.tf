variable "name" {
  description = "Name of the replication group and prefix of the names of its resources."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9]|-[a-z0-9]){0,38}$", var.name))
    error_message = "name has 1 to 39 lower-case letters, digits and single hyphens and starts with a letter, got '${var.name}'."
  }
}

variable "existing_url" {
  description = "URL of a Redis or Valkey that is there already (`rediss://:token@host:6379`); null to create one."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.existing_url == null || can(regex("^rediss?://", var.existing_url))
    error_message = "existing_url starts with redis:// or rediss://."
  }
}

variable "vpc_id" {
  description = "VPC of the store; needed unless existing_url is given."
  type        = string
  default     = null

  validation {
    condition     = (var.vpc_id == null) == (nonsensitive(var.existing_url) != null)
    error_message = "vpc_id is needed exactly if existing_url is not given."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the nodes; with replicas, in two zones at least."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "client_security_group_ids" {
  description = "Security groups of those that may connect, by a name of their own."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "engine_version" {
  description = "Version of Valkey."
  type        = string
  default     = "8.0"
  nullable    = false

  validation {
    condition     = contains(["7.2", "8.0"], var.engine_version)
    error_message = "engine_version is 7.2 or 8.0, got '${var.engine_version}'."
  }
}

variable "node_type" {
  description = "Size of the nodes. Manifests of 70B models take some megabytes each."
  type        = string
  default     = "cache.t4g.small"
  nullable    = false

  validation {
    condition     = can(regex("^cache\\.[a-z0-9]+\\.[a-z0-9]+$", var.node_type))
    error_message = "node_type is a node type of ElastiCache such as cache.t4g.small, got '${var.node_type}'."
  }
}

variable "replicas" {
  description = "Copies beside the primary: with 1 or more, another zone takes over within seconds."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.replicas >= 0 && var.replicas <= 5 && floor(var.replicas) == var.replicas
    error_message = "replicas is a whole number from 0 to 5, got ${var.replicas}."
  }
}

variable "kms_key_arn" {
  description = "KMS key that encrypts what the nodes store; null for a key of the service."
  type        = string
  default     = null
}

variable "snapshot_days" {
  description = "Days that daily snapshots are kept; 0 for none, as `sluice rebuild` makes the index anew from the store."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.snapshot_days >= 0 && var.snapshot_days <= 35 && floor(var.snapshot_days) == var.snapshot_days
    error_message = "snapshot_days is a whole number from 0 to 35, got ${var.snapshot_days}."
  }
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
