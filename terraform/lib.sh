# What the scripts beside this have in common; to be sourced by them.

# Says why nothing is done here, and ends with 77.
skip() {
  echo "terraform/$(basename "$0"): SKIPPED, $1" >&2
  exit 77
}

# The directory of a local mirror of the AWS provider, above HOST/hashicorp/aws/VERSION/PLATFORM/;
# nothing if there is none.
provider_mirror() {
  local found
  if [ -n "${SLUICE_TERRAFORM_MIRROR:-}" ]; then
    echo "$SLUICE_TERRAFORM_MIRROR"
    return
  fi
  found=$(find / -xdev -path '*/hashicorp/aws/*' -name 'terraform-provider-aws_*' -print -quit 2>/dev/null || true)
  echo "${found%/*/hashicorp/aws/*}"
}

# Writes a configuration of Terraform that takes the provider from a mirror: FILE MIRROR
use_mirror() {
  cat >"$1" <<EOF
provider_installation {
  filesystem_mirror {
    path = "$2"
  }
}
EOF
  export TF_CLI_CONFIG_FILE=$1
}
