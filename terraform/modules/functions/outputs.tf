output "function_names" {
  description = "Names of the Lambda functions, by function."
  value       = { for f in local.functions : f => aws_lambda_function.this[f].function_name }
}

output "function_arns" {
  description = "ARNs of the Lambda functions, by function."
  value       = { for f in local.functions : f => aws_lambda_function.this[f].arn }
}

output "role_arns" {
  description = "ARNs of the roles, by function."
  value       = { for f in local.functions : f => aws_iam_role.this[f].arn }
}

output "urls" {
  description = "URLs of upload, load and compute, called with IAM signatures; empty without function_urls."
  value       = { for f, url in aws_lambda_function_url.this : f => url.function_url }
}

output "api_url" {
  description = "URL of the HTTP API, called with JSON web tokens; null without api."
  value       = one(aws_apigatewayv2_api.this[*].api_endpoint)
}

output "failed_queue_url" {
  description = "Queue of the requests that no worker could be started for."
  value       = aws_sqs_queue.failed.url
}
