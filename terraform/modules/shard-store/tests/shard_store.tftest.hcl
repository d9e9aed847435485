mock_provider "aws" {
  # A mocked document still has to be one.
  override_data {
    target = data.aws_iam_policy_document.this
    values = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
}

variables {
  name = "sluice-shards-test"
}

run "closed_by_default" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "Every way to make the bucket public is blocked."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "ACLs are off."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Versioning is on."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "Models survive a destroy unless that is asked for."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Objects are encrypted without a key of one's own too."
  }

  assert {
    condition     = length(aws_s3_bucket_logging.this) == 0
    error_message = "No access log unless there is a bucket for it."
  }
}

run "requests_without_tls_are_denied" {
  command = plan

  assert {
    condition = length([
      for s in data.aws_iam_policy_document.this.statement : s
      if s.sid == "TlsOnly" && s.effect == "Deny" && contains(s.actions, "s3:*")
      && one(s.condition).variable == "aws:SecureTransport" && one(s.condition).values == tolist(["false"])
    ]) == 1
    error_message = "Plain HTTP is denied for everyone."
  }

  assert {
    condition     = alltrue([for s in data.aws_iam_policy_document.this.statement : s.effect == "Deny"])
    error_message = "The bucket policy grants nothing: grants are the roles' matter."
  }

  assert {
    condition     = !contains([for s in data.aws_iam_policy_document.this.statement : s.sid], "ObjectsThroughTheVpcOnly")
    error_message = "Any network may be used unless endpoints are named."
  }
}

run "own_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition = (
      one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
      && one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn
      && one(aws_s3_bucket_server_side_encryption_configuration.this.rule).bucket_key_enabled
    )
    error_message = "Objects are encrypted with the key, and KMS is not asked for each of them."
  }
}

run "objects_through_the_vpc_only" {
  command = plan

  variables {
    vpc_endpoint_ids   = ["vpce-0123456789abcdef0"]
    administrator_arns = ["arn:aws:iam::123456789012:role/terraform"]
  }

  assert {
    condition = length([
      for s in data.aws_iam_policy_document.this.statement : s
      if s.sid == "ObjectsThroughTheVpcOnly" && s.effect == "Deny" && length(s.condition) == 2
    ]) == 1
    error_message = "Objects are out of reach from elsewhere, but for the administrators."
  }
}

run "lifecycle" {
  command = plan

  variables {
    noncurrent_days      = 30
    abort_multipart_days = 5
  }

  assert {
    condition = one([
      for r in aws_s3_bucket_lifecycle_configuration.this.rule : one(r.abort_incomplete_multipart_upload).days_after_initiation
      if r.id == "aborted-uploads"
    ]) == 5
    error_message = "Parts of uploads that never ended go after the days given."
  }

  assert {
    condition = one([
      for r in aws_s3_bucket_lifecycle_configuration.this.rule : one(r.noncurrent_version_expiration).noncurrent_days
      if r.id == "deleted-shards"
    ]) == 30
    error_message = "Deleted shards go after the days given."
  }
}

run "bad_name" {
  command = plan
  variables {
    name = "Sluice.Shards"
  }
  expect_failures = [var.name]
}

run "alias_is_no_key" {
  command = plan
  variables {
    kms_key_arn = "alias/sluice"
  }
  expect_failures = [var.kms_key_arn]
}

run "days_have_bounds" {
  command = plan
  variables {
    noncurrent_days      = 0
    abort_multipart_days = 1.5
  }
  expect_failures = [var.noncurrent_days, var.abort_multipart_days]
}

run "endpoints_are_ids" {
  command = plan
  variables {
    vpc_endpoint_ids   = ["vpc-1"]
    administrator_arns = ["me"]
  }
  expect_failures = [var.vpc_endpoint_ids, var.administrator_arns]
}
