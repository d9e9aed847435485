mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_vpc_endpoint" {
    defaults = { prefix_list_id = "pl-12345678" }
  }
}

variables {
  name               = "sluice-test"
  availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
}

run "private_subnets_only" {
  command = apply

  assert {
    condition     = length(aws_subnet.private) == 3 && alltrue([for s in aws_subnet.private : !s.map_public_ip_on_launch])
    error_message = "A private subnet in every zone."
  }

  assert {
    condition     = length(distinct([for s in aws_subnet.private : s.cidr_block])) == 3
    error_message = "Subnets do not share addresses."
  }

  assert {
    condition     = alltrue([for a in aws_route_table_association.private : a.route_table_id == aws_route_table.private.id])
    error_message = "Every subnet has the table with the way to S3."
  }

  assert {
    condition     = output.subnet_ids == [for zone in var.availability_zones : aws_subnet.private[zone].id]
    error_message = "Subnets come in the order of the zones."
  }
}

run "s3_without_the_internet" {
  command = apply

  assert {
    condition = (
      aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway"
      && aws_vpc_endpoint.s3.service_name == "com.amazonaws.eu-central-1.s3"
      && aws_vpc_endpoint.s3.route_table_ids == toset([aws_route_table.private.id])
    )
    error_message = "S3 is reached through a gateway endpoint."
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.functions_s3.prefix_list_id == aws_vpc_endpoint.s3.prefix_list_id
      && aws_vpc_security_group_egress_rule.functions_s3.cidr_ipv4 == null
      && aws_vpc_security_group_egress_rule.functions_s3.from_port == 443
    )
    error_message = "Functions reach S3 and not any address."
  }

  assert {
    condition     = keys(aws_vpc_endpoint.interface) == ["lambda"] && aws_vpc_endpoint.interface["lambda"].private_dns_enabled
    error_message = "Workers reach the Lambda service."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints.referenced_security_group_id == aws_security_group.functions.id
    error_message = "Endpoints take calls from functions only."
  }
}

run "no_endpoint_is_an_option" {
  command = plan

  variables {
    interface_endpoints = []
  }

  assert {
    condition     = length(aws_vpc_endpoint.interface) == 0 && length(aws_vpc_security_group_egress_rule.functions_endpoints) == 0
    error_message = "Interface endpoints cost money by the hour: none if none is wanted."
  }
}

run "named_buckets_only" {
  command = plan

  variables {
    bucket_arns = ["arn:aws:s3:::sluice-shards-test"]
  }

  assert {
    condition = one(data.aws_iam_policy_document.s3_endpoint[0].statement).resources == toset([
      "arn:aws:s3:::sluice-shards-test", "arn:aws:s3:::sluice-shards-test/*",
    ])
    error_message = "The endpoint leads to the named buckets only."
  }
}

run "bad_range" {
  command = plan
  variables {
    cidr = "10.0.0.0/8"
  }
  expect_failures = [var.cidr]
}

run "zones_are_different" {
  command = plan
  variables {
    availability_zones = ["eu-central-1a", "eu-central-1a"]
  }
  expect_failures = [var.availability_zones]
}

run "unknown_service" {
  command = plan
  variables {
    interface_endpoints = ["ec2"]
  }
  expect_failures = [var.interface_endpoints]
}

run "bad_name_and_bucket" {
  command = plan
  variables {
    name        = "Sluice!"
    bucket_arns = ["sluice-shards"]
  }
  expect_failures = [var.name, var.bucket_arns]
}
