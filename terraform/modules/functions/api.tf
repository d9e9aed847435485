# An HTTP API for callers that have tokens rather than AWS credentials.

locals {
  routes = var.api == null ? toset([]) : local.triggers
}

resource "aws_apigatewayv2_api" "this" {
  count = var.api == null ? 0 : 1

  name          = var.name
  protocol_type = "HTTP"
  description   = "Sluice"
  tags          = var.tags
}

resource "aws_apigatewayv2_authorizer" "jwt" {
  count = var.api == null ? 0 : 1

  api_id           = aws_apigatewayv2_api.this[0].id
  name             = "jwt"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]

  jwt_configuration {
    issuer   = var.api.issuer
    audience = var.api.audiences
  }
}

resource "aws_apigatewayv2_integration" "this" {
  for_each = local.routes

  api_id                 = aws_apigatewayv2_api.this[0].id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.this[each.key].invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

resource "aws_apigatewayv2_route" "this" {
  for_each = local.routes

  api_id               = aws_apigatewayv2_api.this[0].id
  route_key            = "POST /${each.key}"
  target               = "integrations/${aws_apigatewayv2_integration.this[each.key].id}"
  authorization_type   = "JWT"
  authorizer_id        = aws_apigatewayv2_authorizer.jwt[0].id
  authorization_scopes = lookup(var.api.scopes, each.key, null)
}

resource "aws_cloudwatch_log_group" "api" {
  count = var.api == null ? 0 : 1

  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_apigatewayv2_stage" "this" {
  count = var.api == null ? 0 : 1

  api_id      = aws_apigatewayv2_api.this[0].id
  name        = "$default"
  auto_deploy = true
  tags        = var.tags

  default_route_settings {
    throttling_rate_limit  = 20
    throttling_burst_limit = 40
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api[0].arn
    format = jsonencode({
      requestId = "$context.requestId"
      ip        = "$context.identity.sourceIp"
      subject   = "$context.authorizer.claims.sub"
      route     = "$context.routeKey"
      status    = "$context.status"
      latency   = "$context.responseLatency"
      error     = "$context.authorizer.error"
    })
  }
}

resource "aws_lambda_permission" "api" {
  for_each = local.routes

  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this[each.key].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this[0].execution_arn}/*/POST/${each.key}"
}
