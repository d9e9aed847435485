output "bucket" {
  description = "Name of the bucket: the setting sluice.s3.bucket."
  # Whoever gets the name may rely on the bucket being closed to the public and encrypted.
  depends_on = [
    aws_s3_bucket_policy.this,
    aws_s3_bucket_public_access_block.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
  ]
  value = aws_s3_bucket.this.id
}

output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "kms_key_arn" {
  description = "KMS key that encrypts the objects; null if S3 manages the keys."
  value       = var.kms_key_arn
}
