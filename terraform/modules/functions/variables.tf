variable "name" {
  description = "Prefix of the names of all resources."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", var.name))
    error_message = "name has 2 to 32 lower-case letters, digits and hyphens and starts with a letter, got '${var.name}'."
  }
}

variable "package" {
  description = "The function.zip of the build: a local file, or an object (bucket, key and version) in S3. One artifact serves as every function."
  type = object({
    file    = optional(string)
    bucket  = optional(string)
    key     = optional(string)
    version = optional(string)
    sha256  = optional(string)
  })
  nullable = false

  validation {
    condition     = (var.package.file == null) != (var.package.bucket == null) && (var.package.bucket == null) == (var.package.key == null)
    error_message = "package is either a file or a bucket and a key, got ${jsonencode(var.package)}."
  }
}

variable "architecture" {
  description = "Processor that the artifact was built for."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is arm64 or x86_64, got '${var.architecture}'."
  }
}

variable "bucket_arn" {
  description = "ARN of the bucket of shards."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:s3:::[^/]+$", var.bucket_arn))
    error_message = "bucket_arn is the ARN of a bucket, got '${var.bucket_arn}'."
  }
}

variable "prefix" {
  description = "Prefix of all keys in the bucket, with a slash at its end; empty for none. Roles reach nothing else."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9._-]+/)*$", var.prefix))
    error_message = "prefix is empty or ends in a slash, got '${var.prefix}'."
  }
}

variable "source_bucket_arns" {
  description = "Buckets that models may be uploaded from."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.source_bucket_arns : can(regex("^arn:aws[a-z-]*:s3:::[^/]+$", arn))])
    error_message = "source_bucket_arns are ARNs of buckets, got ${jsonencode(var.source_bucket_arns)}."
  }
}

variable "kms_key_arn" {
  description = "KMS key of the bucket, which encrypts logs, environment and queue too; null for keys of the services."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a key (not of an alias), got '${coalesce(var.kms_key_arn, "null")}'."
  }
}

variable "redis_url" {
  description = "URL of the manifest store, with its token."
  type        = string
  sensitive   = true
  nullable    = false

  validation {
    condition     = can(regex("^rediss?://", var.redis_url))
    error_message = "redis_url starts with redis:// or rediss://."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the functions."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids name at least one subnet."
  }
}

variable "security_group_ids" {
  description = "Security groups of the functions."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.security_group_ids) > 0
    error_message = "security_group_ids name at least one group."
  }
}

variable "worker" {
  description = "Size of a worker: memory and /tmp in MiB, reserved concurrency (the most workers at a time), seconds; and how many workers each job is given."
  type = object({
    memory      = optional(number, 3008)
    storage     = optional(number, 512)
    concurrency = optional(number, 64)
    timeout     = optional(number, 900)
    fan_out     = optional(number, 8)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.worker.memory >= 512 && var.worker.memory <= 10240
    error_message = "worker.memory is 512 to 10240 MiB, got ${var.worker.memory}."
  }
  validation {
    condition     = var.worker.storage >= 512 && var.worker.storage <= 10240
    error_message = "worker.storage is 512 to 10240 MiB, got ${var.worker.storage}."
  }
  validation {
    condition     = var.worker.concurrency >= 1 && var.worker.concurrency <= 1000
    error_message = "worker.concurrency is 1 to 1000, got ${var.worker.concurrency}."
  }
  validation {
    condition     = var.worker.timeout >= 60 && var.worker.timeout <= 900
    error_message = "worker.timeout is 60 to 900 seconds, got ${var.worker.timeout}."
  }
  validation {
    condition     = var.worker.fan_out >= 1 && var.worker.fan_out <= var.worker.concurrency
    error_message = "worker.fan_out is 1 to worker.concurrency (${var.worker.concurrency}), got ${var.worker.fan_out}."
  }
}

variable "trigger" {
  description = "Size of the functions that take requests: memory in MiB, reserved concurrency each, seconds."
  type = object({
    memory      = optional(number, 1024)
    concurrency = optional(number, 10)
    timeout     = optional(number, 900)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.trigger.memory >= 256 && var.trigger.memory <= 10240
    error_message = "trigger.memory is 256 to 10240 MiB, got ${var.trigger.memory}."
  }
  validation {
    condition     = var.trigger.concurrency >= 1 && var.trigger.concurrency <= 1000
    error_message = "trigger.concurrency is 1 to 1000, got ${var.trigger.concurrency}."
  }
  validation {
    condition     = var.trigger.timeout >= 30 && var.trigger.timeout <= 900
    error_message = "trigger.timeout is 30 to 900 seconds, got ${var.trigger.timeout}."
  }
}

variable "function_urls" {
  description = "Whether upload, load and compute have URLs of their own, called with IAM signatures."
  type        = bool
  default     = true
  nullable    = false
}

variable "api" {
  description = "An HTTP API in front of upload, load and compute for callers with JSON web tokens: who issues them, and for whom; null for none. The API answers within 30 seconds: call it with `\"wait\": false`."
  type = object({
    issuer    = string
    audiences = list(string)
    scopes    = optional(map(list(string)), {})
  })
  default = null

  validation {
    condition     = var.api == null ? true : can(regex("^https://", var.api.issuer)) && length(var.api.audiences) > 0
    error_message = "api has an issuer that starts with https:// and at least one audience, got ${jsonencode(var.api)}."
  }
  validation {
    condition     = var.api == null ? true : alltrue([for f in keys(var.api.scopes) : contains(["upload", "load", "compute"], f)])
    error_message = "api.scopes names upload, load or compute, got ${jsonencode(try(keys(var.api.scopes), []))}."
  }
}

variable "environment" {
  description = "Further settings of every function, such as SLUICE_LOAD_PARALLELISM. What the module itself sets cannot be changed."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^(SLUICE|QUARKUS)_[A-Z0-9_]+$", name))])
    error_message = "environment names settings SLUICE_… or QUARKUS_…, got ${jsonencode(keys(var.environment))}."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is one of the spans that CloudWatch knows, such as 7, 30 or 365, got ${var.log_retention_days}."
  }
}

variable "alarm_topic_arn" {
  description = "SNS topic that alarms tell; null for alarms that only show."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
