output "bucket" {
  description = "Name of the bucket of shards."
  value       = module.shard_store.bucket
}

output "urls" {
  description = "URLs of upload, load and compute; sign requests for the service `lambda`."
  value       = module.functions.urls
}

output "api_url" {
  description = "URL of the API; null if there is none."
  value       = module.functions.api_url
}

output "failed_queue_url" {
  description = "Queue of the requests that no worker could be started for."
  value       = module.functions.failed_queue_url
}
