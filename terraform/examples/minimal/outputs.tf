output "bucket" {
  description = "Name of the bucket of shards."
  value       = module.shard_store.bucket
}

output "urls" {
  description = "URLs of upload, load and compute; sign requests for the service `lambda`."
  value       = module.functions.urls
}
