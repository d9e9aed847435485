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

variable "package" {
  description = "Path of the function.zip of the build."
  type        = string
}

variable "architecture" {
  description = "Processor that function.zip was built for: arm64 or x86_64."
  type        = string
  default     = "arm64"
}

variable "redis_url" {
  description = "URL of a Redis or Valkey that is there already; null to create a small one."
  type        = string
  default     = null
  sensitive   = true
}

variable "force_destroy" {
  description = "Whether `terraform destroy` deletes the models too."
  type        = bool
  default     = false
}

variable "source_bucket_arns" {
  description = "Buckets that models may be uploaded from."
  type        = list(string)
  default     = []
}
