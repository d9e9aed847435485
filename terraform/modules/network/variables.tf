variable "name" {
  description = "Prefix of the names of all resources."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", var.name))
    error_message = "name has 2 to 32 lower-case letters, digits and hyphens and starts with a letter, got '${var.name}'."
  }
}

variable "cidr" {
  description = "Address range of the VPC; each subnet gets a sixteenth of it."
  type        = string
  default     = "10.42.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("/(1[6-9]|2[0-4])$", var.cidr))
    error_message = "cidr is an IPv4 range from /16 to /24, got '${var.cidr}'."
  }
}

variable "availability_zones" {
  description = "Zones that get a subnet: two or more survive the loss of one."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.availability_zones) >= 1 && length(var.availability_zones) <= 6 && length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "availability_zones are 1 to 6 different zones, got ${jsonencode(var.availability_zones)}."
  }
}

variable "interface_endpoints" {
  description = "Services besides S3 that functions reach without the internet. `lambda`: workers call each other; `xray`: traces; `secretsmanager`: tokens."
  type        = set(string)
  default     = ["lambda"]
  nullable    = false

  validation {
    condition     = alltrue([for s in var.interface_endpoints : contains(["lambda", "xray", "secretsmanager", "kms", "sqs", "monitoring", "logs"], s)])
    error_message = "interface_endpoints are some of lambda, xray, secretsmanager, kms, sqs, monitoring, logs, got ${jsonencode(var.interface_endpoints)}."
  }
}

variable "bucket_arns" {
  description = "Buckets that may be reached through the S3 endpoint; empty for any bucket that the roles of the functions allow."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.bucket_arns : can(regex("^arn:aws[a-z-]*:s3:::[^/]+$", arn))])
    error_message = "bucket_arns are ARNs of buckets, got ${jsonencode(var.bucket_arns)}."
  }
}

variable "flow_log_bucket_arn" {
  description = "Bucket that receives the flow logs of the VPC; null for none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
  nullable    = false
}
