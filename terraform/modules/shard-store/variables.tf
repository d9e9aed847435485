variable "name" {
  description = "Name of the bucket, unique in its partition."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name has 3 to 63 lower-case letters, digits and hyphens (no dots, which break TLS host names), got '${var.name}'."
  }
}

variable "kms_key_arn" {
  description = "KMS key that encrypts the objects; null for keys that S3 manages (SSE-S3)."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a key (not of an alias), got '${coalesce(var.kms_key_arn, "null")}'."
  }
}

variable "vpc_endpoint_ids" {
  description = "S3 endpoints of VPCs through which alone objects may be read and written; empty for any network."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.vpc_endpoint_ids : can(regex("^vpce-[0-9a-z]+$", id))])
    error_message = "vpc_endpoint_ids are ids such as vpce-0123456789abcdef0, got ${jsonencode(var.vpc_endpoint_ids)}."
  }
}

variable "administrator_arns" {
  description = "Principals (roles or users) that may reach the objects from outside of vpc_endpoint_ids, such as the role that Terraform or `sluice gc` runs as."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.administrator_arns : can(regex("^arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:.+$", arn))])
    error_message = "administrator_arns are ARNs of IAM principals, got ${jsonencode(var.administrator_arns)}."
  }
}

variable "versioning" {
  description = "Whether what is overwritten or deleted can be brought back for noncurrent_days."
  type        = bool
  default     = true
  nullable    = false
}

variable "noncurrent_days" {
  description = "Days after which shards that `sluice gc` has deleted are gone for good."
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition     = var.noncurrent_days >= 1 && var.noncurrent_days <= 3650 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "noncurrent_days is a whole number from 1 to 3650, got ${var.noncurrent_days}."
  }
}

variable "abort_multipart_days" {
  description = "Days after which the parts of an upload that was never completed are removed."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.abort_multipart_days >= 1 && var.abort_multipart_days <= 30 && floor(var.abort_multipart_days) == var.abort_multipart_days
    error_message = "abort_multipart_days is a whole number from 1 to 30, got ${var.abort_multipart_days}."
  }
}

variable "access_log_bucket" {
  description = "Bucket that receives the server access logs; null for none."
  type        = string
  default     = null
}

variable "force_destroy" {
  description = "Whether `terraform destroy` deletes the models in the bucket too."
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
