mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  # A mocked document still has to be one.
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mocked" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:123456789012:mocked" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:mocked" }
  }

  mock_resource "aws_lambda_function" {
    defaults = {
      arn        = "arn:aws:lambda:eu-central-1:123456789012:function:mocked"
      invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/mocked/invocations"
    }
  }

  mock_resource "aws_apigatewayv2_api" {
    defaults = { execution_arn = "arn:aws:execute-api:eu-central-1:123456789012:abc123" }
  }
}

variables {
  name               = "sluice-test"
  package            = { bucket = "artifacts", key = "function.zip", version = "1", sha256 = "abc=" }
  bucket_arn         = "arn:aws:s3:::sluice-shards-test"
  prefix             = "models/"
  redis_url          = "rediss://:token@redis.example.com:6379"
  subnet_ids         = ["subnet-a", "subnet-b"]
  security_group_ids = ["sg-functions"]
}

run "four_functions_of_one_artifact" {
  command = apply

  assert {
    condition     = keys(aws_lambda_function.this) == ["compute", "load", "upload", "worker"]
    error_message = "upload, load, compute and worker."
  }

  assert {
    condition = alltrue([
      for f in aws_lambda_function.this : f.runtime == "provided.al2023" && f.architectures == tolist(["arm64"])
      && f.s3_bucket == "artifacts" && f.s3_key == "function.zip" && f.s3_object_version == "1"
    ])
    error_message = "All of them run the same artifact, natively."
  }

  assert {
    condition = {
      for name, f in aws_lambda_function.this : name => f.environment[0].variables["QUARKUS_FUNQY_EXPORT"]
    } == { compute = "compute", load = "load", upload = "upload", worker = "work" }
    error_message = "The configuration says which function an artifact is."
  }

  assert {
    condition = alltrue([
      for f in aws_lambda_function.this : f.environment[0].variables["SLUICE_S3_BUCKET"] == "sluice-shards-test"
      && f.environment[0].variables["SLUICE_S3_PREFIX"] == "models/"
      && f.environment[0].variables["QUARKUS_REDIS_HOSTS"] == "rediss://:token@redis.example.com:6379"
      && f.environment[0].variables["SLUICE_LAMBDA_WORKER"] == "arn:aws:lambda:eu-central-1:123456789012:function:sluice-test-worker"
      && f.environment[0].variables["SLUICE_ENGINE"] == "lambda"
      && f.environment[0].variables["SLUICE_LAMBDA_FAN_OUT"] == "8"
    ])
    error_message = "Functions know the bucket, the manifest store and the worker."
  }

  assert {
    condition = alltrue([
      for f in aws_lambda_function.this : f.vpc_config[0].subnet_ids == toset(["subnet-a", "subnet-b"])
      && f.vpc_config[0].security_group_ids == toset(["sg-functions"])
    ])
    error_message = "Functions run in the private subnets."
  }

  assert {
    condition     = alltrue([for f in aws_lambda_function.this : f.reserved_concurrent_executions > 0])
    error_message = "Concurrency is bounded."
  }

  assert {
    condition     = aws_lambda_function.this["worker"].environment[0].variables["SLUICE_WORKER_MEMORY"] == "2256M"
    error_message = "A worker keeps a quarter of its memory for itself."
  }
}

run "least_privilege" {
  command = plan

  # Whoever reads this list knows what each function may do with objects.
  assert {
    condition = jsonencode({
      for name, document in data.aws_iam_policy_document.this : name => sort(distinct(flatten([
        for s in document.statement : s.actions if s.effect != "Deny" && anytrue([for a in s.actions : startswith(a, "s3:")])
      ])))
      }) == jsonencode({
      upload  = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket", "s3:ListMultipartUploadParts", "s3:PutObject"]
      load    = ["s3:GetObject", "s3:ListBucket"]
      compute = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket", "s3:ListMultipartUploadParts", "s3:PutObject"]
      worker  = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket", "s3:ListMultipartUploadParts", "s3:PutObject"]
    })
    error_message = "load only reads, nobody deletes."
  }

  assert {
    condition = alltrue(flatten([
      for document in data.aws_iam_policy_document.this : [
        for s in document.statement : !contains(s.resources, "*") if s.effect != "Deny" && !contains(["Network", "Traces"], s.sid)
      ]
    ]))
    error_message = "Grants name their resources, but for the actions that know none."
  }

  assert {
    condition = alltrue(flatten([
      for document in data.aws_iam_policy_document.this : [
        for s in document.statement : [for a in s.actions : !endswith(a, "*")]
      ]
    ]))
    error_message = "No grant has a wildcard for actions."
  }

  assert {
    condition = alltrue(flatten([
      for document in data.aws_iam_policy_document.this : [
        for s in document.statement : s.resources == toset(["arn:aws:s3:::sluice-shards-test/models/*"]) if contains(["ReadShards", "WriteShards"], s.sid)
      ]
    ]))
    error_message = "Objects outside of the prefix are out of reach."
  }

  assert {
    condition = alltrue(flatten([
      for document in data.aws_iam_policy_document.this : [
        for s in document.statement : s.resources == toset(["arn:aws:lambda:eu-central-1:123456789012:function:sluice-test-worker"]) if s.sid == "StartWorkers"
      ]
    ]))
    error_message = "Functions start workers and nothing else."
  }

  assert {
    condition     = length(distinct([for f in aws_lambda_function.this : f.role])) <= 4 && length(aws_iam_role.this) == 4
    error_message = "Every function has a role of its own."
  }
}

run "sources_and_key" {
  command = plan

  variables {
    source_bucket_arns = ["arn:aws:s3:::checkpoints"]
    kms_key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition = toset([
      for name, document in data.aws_iam_policy_document.this : name
      if length([for s in document.statement : s if s.sid == "ReadSources"]) == 1
    ]) == toset(["upload", "worker"])
    error_message = "Only who uploads reads sources."
  }

  assert {
    condition = {
      for name, document in data.aws_iam_policy_document.this : name => one([for s in document.statement : sort(s.actions) if s.sid == "Key"])
      } == {
      upload  = tolist(["kms:Decrypt", "kms:GenerateDataKey"])
      load    = tolist(["kms:Decrypt"])
      compute = tolist(["kms:Decrypt", "kms:GenerateDataKey"])
      worker  = tolist(["kms:Decrypt", "kms:GenerateDataKey"])
    }
    error_message = "Who only reads only decrypts."
  }

  assert {
    condition = (
      alltrue([for g in aws_cloudwatch_log_group.this : g.kms_key_id == var.kms_key_arn])
      && alltrue([for f in aws_lambda_function.this : f.kms_key_arn == var.kms_key_arn])
      && aws_sqs_queue.failed.kms_master_key_id == var.kms_key_arn
    )
    error_message = "Logs, environment and queue are encrypted with the key."
  }
}

run "signed_urls_and_nothing_open" {
  command = plan

  assert {
    condition     = keys(aws_lambda_function_url.this) == ["compute", "load", "upload"]
    error_message = "Workers have no URL."
  }

  assert {
    condition     = alltrue([for url in aws_lambda_function_url.this : url.authorization_type == "AWS_IAM"])
    error_message = "URLs want signatures."
  }

  assert {
    condition     = length(aws_apigatewayv2_api.this) == 0 && length(aws_lambda_permission.api) == 0
    error_message = "No API unless one is wanted."
  }
}

run "api_with_tokens" {
  command = apply

  variables {
    function_urls = false
    api = {
      issuer    = "https://login.example.com/"
      audiences = ["sluice"]
      scopes    = { upload = ["sluice.write"] }
    }
  }

  assert {
    condition = alltrue([
      for r in aws_apigatewayv2_route.this : r.authorization_type == "JWT" && r.authorizer_id == aws_apigatewayv2_authorizer.jwt[0].id
    ]) && length(aws_apigatewayv2_route.this) == 3
    error_message = "Every route wants a token."
  }

  assert {
    condition     = aws_apigatewayv2_route.this["upload"].authorization_scopes == toset(["sluice.write"])
    error_message = "A route may want scopes."
  }

  assert {
    condition     = alltrue([for p in aws_lambda_permission.api : p.principal == "apigateway.amazonaws.com" && p.source_arn != null])
    error_message = "Only this API may call the functions."
  }

  assert {
    condition     = length(aws_lambda_function_url.this) == 0 && output.urls == {}
    error_message = "No URLs beside the API unless wanted."
  }
}

run "what_fails_is_noticed" {
  command = plan

  variables {
    alarm_topic_arn = "arn:aws:sns:eu-central-1:123456789012:alarms"
  }

  assert {
    condition = (
      length(aws_cloudwatch_metric_alarm.errors) == 4
      && length(aws_cloudwatch_metric_alarm.throttles) == 4
      && length(aws_cloudwatch_metric_alarm.duration) == 4
      && alltrue([for a in aws_cloudwatch_metric_alarm.errors : a.alarm_actions == toset([var.alarm_topic_arn])])
      && aws_cloudwatch_metric_alarm.failed.alarm_actions == toset([var.alarm_topic_arn])
    )
    error_message = "Alarms for every function and for the queue."
  }

  assert {
    condition     = length(aws_lambda_function.this["worker"].dead_letter_config) == 1 && length(aws_lambda_function.this["upload"].dead_letter_config) == 0
    error_message = "Requests of workers that cannot start are kept."
  }

  assert {
    condition     = alltrue([for g in aws_cloudwatch_log_group.this : g.retention_in_days == 30])
    error_message = "Logs are kept for a bounded time."
  }
}

run "settings_of_the_module_win" {
  command = plan

  variables {
    environment = { SLUICE_S3_BUCKET = "elsewhere", SLUICE_LOAD_PARALLELISM = "32" }
  }

  assert {
    condition = alltrue([
      for f in aws_lambda_function.this : f.environment[0].variables["SLUICE_S3_BUCKET"] == "sluice-shards-test"
      && f.environment[0].variables["SLUICE_LOAD_PARALLELISM"] == "32"
    ])
    error_message = "Settings may be added but not bent."
  }
}

run "file_or_bucket" {
  command = plan
  variables {
    package = { file = "function.zip", bucket = "artifacts", key = "function.zip" }
  }
  expect_failures = [var.package]
}

run "bounds_of_workers" {
  command = plan
  variables {
    worker = { memory = 128, storage = 20480, concurrency = 0, timeout = 901 }
  }
  expect_failures = [var.worker]
}

run "fan_out_within_concurrency" {
  command = plan
  variables {
    worker = { concurrency = 16, fan_out = 17 }
  }
  expect_failures = [var.worker]
}

run "other_bounds" {
  command = plan
  variables {
    name               = "S"
    architecture       = "mips"
    bucket_arn         = "sluice-shards-test"
    prefix             = "models"
    log_retention_days = 31
    environment        = { PATH = "/tmp" }
    subnet_ids         = []
    security_group_ids = []
  }
  expect_failures = [
    var.name, var.architecture, var.bucket_arn, var.prefix, var.log_retention_days, var.environment,
    var.subnet_ids, var.security_group_ids,
  ]
}

run "issuer_is_https" {
  command = plan
  variables {
    api = { issuer = "http://login.example.com/", audiences = [] }
  }
  expect_failures = [var.api]
}
