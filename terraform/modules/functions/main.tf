# The functions: upload, load and compute take requests, worker does their tasks. All four are one
# artifact; each has a role that may do what its function does and nothing else.

locals {
  triggers  = toset(["upload", "load", "compute"])
  functions = setunion(local.triggers, ["worker"])

  # What a function does with objects. Deleting is nobody's: `sluice gc` runs elsewhere.
  writes  = toset(["upload", "compute", "worker"])
  sources = toset(["upload", "worker"])

  # The name that the artifact knows the function by.
  export = { upload = "upload", load = "load", compute = "compute", worker = "work" }

  objects = "${var.bucket_arn}/${var.prefix}*"

  size = {
    for f in local.functions : f => f == "worker" ? var.worker : {
      memory = var.trigger.memory, storage = 512, concurrency = var.trigger.concurrency, timeout = var.trigger.timeout
    }
  }

  # Off-heap memory for shards: what is left beside the process itself.
  budget = { for f in local.functions : f => floor(local.size[f].memory * 0.75) }
}

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  # Known before the function is there, so that roles need not wait for functions.
  arn = {
    for f in local.functions : f => format(
      "arn:%s:lambda:%s:%s:function:%s-%s",
      data.aws_partition.current.partition,
      data.aws_region.current.name,
      data.aws_caller_identity.current.account_id,
      var.name,
      f,
    )
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = local.functions

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

# Tasks that a worker could not even be started for end here, to be looked at.
resource "aws_sqs_queue" "failed" {
  name                      = "${var.name}-failed"
  message_retention_seconds = 14 * 24 * 3600
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  tags                      = var.tags
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = local.functions

  name               = "${var.name}-${each.key}"
  description        = "Role of the function ${var.name}-${each.key} of Sluice"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = var.tags
}

data "aws_iam_policy_document" "this" {
  for_each = local.functions

  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this[each.key].arn}:*"]
  }

  # Interfaces in the VPC; these actions know no resources but conditions keep them to the subnets.
  statement {
    sid = "Network"
    actions = [
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:AssignPrivateIpAddresses",
      "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"]
  }

  # The function itself has no use for the interfaces that Lambda makes for it.
  statement {
    sid    = "NetworkByLambdaOnly"
    effect = "Deny"
    actions = [
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:DetachNetworkInterface",
      "ec2:AssignPrivateIpAddresses",
      "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"]

    condition {
      test     = "ArnEquals"
      variable = "lambda:SourceFunctionArn"
      values   = [local.arn[each.key]]
    }
  }

  statement {
    sid       = "ReadShards"
    actions   = ["s3:GetObject"]
    resources = [local.objects]
  }

  statement {
    sid       = "ListShards"
    actions   = ["s3:ListBucket"]
    resources = [var.bucket_arn]

    dynamic "condition" {
      for_each = var.prefix == "" ? [] : [true]

      content {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = ["${var.prefix}*"]
      }
    }
  }

  dynamic "statement" {
    for_each = contains(local.writes, each.key) ? [true] : []

    content {
      sid       = "WriteShards"
      actions   = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
      resources = [local.objects]
    }
  }

  dynamic "statement" {
    for_each = contains(local.sources, each.key) && length(var.source_bucket_arns) > 0 ? [true] : []

    content {
      sid       = "ReadSources"
      actions   = ["s3:GetObject", "s3:ListBucket"]
      resources = concat(var.source_bucket_arns, [for arn in var.source_bucket_arns : "${arn}/*"])
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]

    content {
      sid       = "Key"
      actions   = contains(local.writes, each.key) ? ["kms:Decrypt", "kms:GenerateDataKey"] : ["kms:Decrypt"]
      resources = [statement.value]
    }
  }

  # Whoever takes a request starts workers, and a worker whose time is up starts its successor.
  statement {
    sid       = "StartWorkers"
    actions   = ["lambda:InvokeFunction"]
    resources = [local.arn["worker"]]
  }

  dynamic "statement" {
    for_each = each.key == "worker" ? [true] : []

    content {
      sid       = "TellFailures"
      actions   = ["sqs:SendMessage"]
      resources = [aws_sqs_queue.failed.arn]
    }
  }

  statement {
    sid       = "Traces"
    actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "this" {
  for_each = local.functions

  name   = "sluice"
  role   = aws_iam_role.this[each.key].id
  policy = data.aws_iam_policy_document.this[each.key].json
}

resource "aws_lambda_function" "this" {
  for_each = local.functions

  # Without the permissions, the function cannot get into the VPC nor write its log.
  depends_on = [aws_iam_role_policy.this, aws_cloudwatch_log_group.this]

  function_name = "${var.name}-${each.key}"
  description   = "Sluice: ${each.key}"
  role          = aws_iam_role.this[each.key].arn

  package_type      = "Zip"
  runtime           = "provided.al2023"
  handler           = "bootstrap"
  architectures     = [var.architecture]
  filename          = var.package.file
  s3_bucket         = var.package.bucket
  s3_key            = var.package.key
  s3_object_version = var.package.version
  source_code_hash  = var.package.file == null ? var.package.sha256 : filebase64sha256(var.package.file)

  memory_size                    = local.size[each.key].memory
  timeout                        = local.size[each.key].timeout
  reserved_concurrent_executions = local.size[each.key].concurrency
  kms_key_arn                    = var.kms_key_arn

  ephemeral_storage {
    size = local.size[each.key].storage
  }

  vpc_config {
    subnet_ids         = var.subnet_ids
    security_group_ids = var.security_group_ids
  }

  tracing_config {
    mode = "Active"
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.this[each.key].name
  }

  # AWS decides who may invoke, by IAM or the authorizer of the API, so the functions ask for no tokens.
  environment {
    variables = merge(var.environment, {
      QUARKUS_FUNQY_EXPORT     = local.export[each.key]
      QUARKUS_REDIS_HOSTS      = var.redis_url
      SLUICE_AUTH_MODE         = "open"
      SLUICE_S3_BUCKET         = element(split(":::", var.bucket_arn), 1)
      SLUICE_S3_PREFIX         = var.prefix
      SLUICE_S3_CHECKSUMS      = "true"
      SLUICE_ENGINE            = "lambda"
      SLUICE_LAMBDA_WORKER     = local.arn["worker"]
      SLUICE_LAMBDA_FAN_OUT    = tostring(var.worker.fan_out)
      SLUICE_WORKER_ENABLED    = tostring(each.key == "worker")
      SLUICE_WORKER_MEMORY     = "${local.budget[each.key]}M"
      SLUICE_LAMBDA_TIME_LIMIT = "${local.size[each.key].timeout}s"
    })
  }

  dynamic "dead_letter_config" {
    for_each = each.key == "worker" ? [true] : []

    content {
      target_arn = aws_sqs_queue.failed.arn
    }
  }

  tags = var.tags
}

# A worker's tasks are leased: what a failed start leaves undone, another worker does. So one
# repetition is enough, and an old request is of no use.
resource "aws_lambda_function_event_invoke_config" "worker" {
  function_name                = aws_lambda_function.this["worker"].function_name
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = 900
}

resource "aws_lambda_function_url" "this" {
  for_each = var.function_urls ? local.triggers : toset([])

  function_name      = aws_lambda_function.this[each.key].function_name
  authorization_type = "AWS_IAM"
  invoke_mode        = "BUFFERED"
}
