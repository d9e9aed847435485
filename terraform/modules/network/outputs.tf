output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "subnet_ids" {
  description = "Ids of the private subnets, in the order of the zones."
  value       = [for zone in var.availability_zones : aws_subnet.private[zone].id]
}

output "functions_security_group_id" {
  description = "Security group of the functions."
  value       = aws_security_group.functions.id
}

output "s3_endpoint_id" {
  description = "Id of the S3 gateway endpoint, for bucket policies."
  value       = aws_vpc_endpoint.s3.id
}
