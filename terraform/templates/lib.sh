#!/usr/bin/env bash
# What the scripts of an instance share. To be sourced, after settings.env.

note() {
  echo "shop: $*" >&2
}

# Print a secret, as the instance's own role may read it.
secret() { # secret ARN
  aws secretsmanager get-secret-value --region "$AWS_REGION" --secret-id "$1" \
    --query SecretString --output text
}

# The password is of letters and digits, so it needs no quoting in a URL.
database_url() { # database_url PASSWORD
  printf 'postgres://%s:%s@%s:5432/%s?sslmode=verify-full&sslrootcert=/etc/ssl/rds-ca.pem' \
    saleor "$1" "$DATABASE_HOST" "$DATABASE_NAME"
}

# kombu checks no certificate unless it is told to.
broker_url() {
  printf 'rediss://%s:6379/0?ssl_cert_reqs=required' "$REDIS_HOST"
}

# The cache's library checks by itself, and would take the parameter for one of its own.
cache_url() {
  printf 'rediss://%s:6379/1' "$REDIS_HOST"
}

# Put everything that the containers take into this process's environment, and nowhere else.
export_environment() {
  local app
  app=$(secret "$APP_SECRET_ARN")
  SECRET_KEY=$(jq --raw-output --exit-status .SECRET_KEY <<<"$app")
  DATABASE_PASSWORD=$(jq --raw-output --exit-status .DATABASE_PASSWORD <<<"$app")
  DATABASE_URL=$(database_url "$DATABASE_PASSWORD")
  CELERY_BROKER_URL=$(broker_url)
  CACHE_URL=$(cache_url)
  RSA_PRIVATE_KEY=$(secret "$RSA_SECRET_ARN")
  EMAIL_URL=consolemail://
  if [[ -n $EMAIL_SECRET_ARN ]]; then
    EMAIL_URL=$(secret "$EMAIL_SECRET_ARN")
  fi
  export SECRET_KEY DATABASE_URL CELERY_BROKER_URL CACHE_URL RSA_PRIVATE_KEY EMAIL_URL
  export DEBUG=False ALLOWED_HOSTS ALLOWED_CLIENT_HOSTS PUBLIC_URL DEFAULT_FROM_EMAIL
  export AWS_MEDIA_BUCKET_NAME AWS_S3_REGION_NAME AWS_QUERYSTRING_AUTH=True
}

# Ask the instance about itself.
metadata() { # metadata PATH
  local address=http://169.254.169.254/latest token
  token=$(curl --fail --silent --max-time 5 --request PUT \
    --header "X-aws-ec2-metadata-token-ttl-seconds: 60" "$address/api/token")
  curl --fail --silent --max-time 5 --header "X-aws-ec2-metadata-token: $token" \
    "$address/meta-data/$1"
}

# Answer one of the group's lifecycle hooks about this instance.
lifecycle() { # lifecycle SUBCOMMAND HOOK ARGUMENT...
  local subcommand=$1 hook=$2
  shift 2
  aws autoscaling "$subcommand" --region "$AWS_REGION" --auto-scaling-group-name "$GROUP_NAME" \
    --lifecycle-hook-name "$hook" --instance-id "$(metadata instance-id)" "$@"
}
