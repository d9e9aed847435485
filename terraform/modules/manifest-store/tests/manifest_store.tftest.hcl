mock_provider "aws" {
  mock_resource "aws_elasticache_replication_group" {
    defaults = { primary_endpoint_address = "master.sluice.abc123.euc1.cache.amazonaws.com" }
  }
}

variables {
  name                      = "sluice-test"
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-a", "subnet-b"]
  client_security_group_ids = { functions = "sg-functions" }
}

run "encrypted_and_with_a_token" {
  command = apply

  assert {
    condition = (
      aws_elasticache_replication_group.this[0].at_rest_encryption_enabled == "true"
      && aws_elasticache_replication_group.this[0].transit_encryption_enabled
      && aws_elasticache_replication_group.this[0].transit_encryption_mode == "required"
    )
    error_message = "Encrypted on the disk and on the wire."
  }

  assert {
    condition = (
      length(aws_elasticache_replication_group.this[0].auth_token) >= 64
      && aws_elasticache_replication_group.this[0].auth_token == terraform_data.token[0].output
    )
    error_message = "The token is long."
  }

  assert {
    condition     = output.url == "rediss://:${terraform_data.token[0].output}@master.sluice.abc123.euc1.cache.amazonaws.com:6379"
    error_message = "The URL is one of TLS and has the token."
  }
}

run "the_token_stays" {
  command = plan

  assert {
    condition     = output.url == run.encrypted_and_with_a_token.url
    error_message = "A later plan keeps the token."
  }
}

run "survives_the_loss_of_a_zone" {
  command = plan

  assert {
    condition = (
      aws_elasticache_replication_group.this[0].num_cache_clusters == 2
      && aws_elasticache_replication_group.this[0].automatic_failover_enabled
      && aws_elasticache_replication_group.this[0].multi_az_enabled
    )
    error_message = "One replica by default, in another zone."
  }

  assert {
    condition = one([
      for p in aws_elasticache_parameter_group.this[0].parameter : p.value if p.name == "maxmemory-policy"
    ]) == "noeviction"
    error_message = "Leases are not evicted."
  }
}

run "clients_only" {
  command = plan

  assert {
    condition = (
      keys(aws_vpc_security_group_ingress_rule.clients) == ["functions"]
      && aws_vpc_security_group_ingress_rule.clients["functions"].referenced_security_group_id == "sg-functions"
      && aws_vpc_security_group_ingress_rule.clients["functions"].cidr_ipv4 == null
      && aws_vpc_security_group_ingress_rule.clients["functions"].from_port == 6379
    )
    error_message = "Only the groups that are named get in."
  }
}

run "existing_store" {
  command = plan

  variables {
    existing_url = "rediss://:secret@redis.example.com:6379"
    vpc_id       = null
  }

  assert {
    condition     = length(aws_elasticache_replication_group.this) == 0 && length(aws_security_group.this) == 0
    error_message = "Nothing is made beside a store that is there."
  }

  assert {
    condition     = output.url == "rediss://:secret@redis.example.com:6379"
    error_message = "Its URL is handed on."
  }
}

run "replicas_need_zones" {
  command = plan
  variables {
    subnet_ids = ["subnet-a"]
  }
  expect_failures = [aws_elasticache_replication_group.this]
}

run "vpc_is_needed" {
  command = plan
  variables {
    vpc_id = null
  }
  expect_failures = [var.vpc_id]
}

run "bounds" {
  command = plan
  variables {
    replicas       = 6
    snapshot_days  = 36
    node_type      = "t4g.small"
    engine_version = "6.2"
    name           = "Sluice--x"
  }
  expect_failures = [var.replicas, var.snapshot_days, var.node_type, var.engine_version, var.name]
}

run "no_http_url" {
  command = plan
  variables {
    existing_url = "http://redis.example.com"
    vpc_id       = null
  }
  expect_failures = [var.existing_url]
}
