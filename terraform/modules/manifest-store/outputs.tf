output "url" {
  description = "URL with the token: the setting quarkus.redis.hosts."
  sensitive   = true
  value = local.create ? format(
    "rediss://:%s@%s:6379",
    terraform_data.token[0].output,
    aws_elasticache_replication_group.this[0].primary_endpoint_address,
  ) : var.existing_url
}

output "security_group_id" {
  description = "Security group of the store; null if it was there already."
  value       = one(aws_security_group.this[*].id)
}

output "replication_group_id" {
  description = "Id of the replication group, for alarms; null if the store was there already."
  value       = one(aws_elasticache_replication_group.this[*].id)
}
