variable "region" {
  description = "Region of everything."
  type        = string
  default     = "eu-central-1"
}

variable "name" {
  description = "Prefix of the names of all resources."
  type        = string
  default     = "sluice"
}

variable "environment" {
  description = "Which of several installations this is."
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[a-z0-9]{1,12}$", var.environment))
    error_message = "environment has 1 to 12 lower-case letters and digits, got '${var.environment}'."
  }
}

variable "cidr" {
  description = "Address range of the VPC."
  type        = string
  default     = "10.42.0.0/16"
}

variable "package" {
  description = "Path of the function.zip of the build."
  type        = string
}

variable "architecture" {
  description = "Processor that function.zip was built for: arm64 or x86_64."
  type        = string
  default     = "arm64"
}

variable "source_bucket_arns" {
  description = "Buckets that models may be uploaded from."
  type        = list(string)
  default     = []
}

variable "administrator_arns" {
  description = "Roles that may reach the objects from outside of the network, such as the one that runs `sluice gc`."
  type        = list(string)
  default     = []
}

variable "api" {
  description = "Issuer and audiences of the tokens that the API takes; null for no API."
  type = object({
    issuer    = string
    audiences = list(string)
    scopes    = optional(map(list(string)), {})
  })
  default = null
}

variable "alarm_emails" {
  description = "Addresses that hear of alarms."
  type        = set(string)
  default     = []
}

variable "force_destroy" {
  description = "Whether `terraform destroy` deletes the models too."
  type        = bool
  default     = false
}
