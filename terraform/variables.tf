# What the world is called and where it is -------------------------------------------------------

variable "project_name" {
  description = "Prefix of every name. Two environments in one account need two of them."
  type        = string
  default     = "saleor-predictive-scaling"

  validation {
    condition = (
      can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.project_name)) &&
      !strcontains(var.project_name, "--")
    )
    error_message = "project_name is 3 to 32 of a-z, 0-9 and single inner hyphens, a letter first."
  }
}

variable "environment" {
  description = "Which environment this is; a tag, and prod keeps a final database snapshot."
  type        = string
  default     = "dev"

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "environment is dev, staging or prod."
  }
}

variable "aws_region" {
  description = "AWS region of everything."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region is a region's code, such as eu-central-1."
  }
}

variable "allow_destroy" {
  description = "Lets `terraform destroy` delete data: protections off, buckets emptied."
  type        = bool
  default     = false
}

variable "tags" {
  description = "More tags for everything."
  type        = map(string)
  default     = {}
}

variable "max_retries" {
  description = "How often the provider repeats a failed call. null: its own default of 25."
  type        = number
  default     = null

  validation {
    condition     = var.max_retries == null || try(var.max_retries >= 0, false)
    error_message = "max_retries is 0 or more."
  }
}

# Network ----------------------------------------------------------------------------------------

variable "network" {
  description = "Address range (a /16 to /20), number of zones, and a NAT gateway per zone or one."
  type = object({
    cidr  = optional(string, "10.0.0.0/16")
    zones = optional(number, 2)
    # Which zones. null: the first ones of the region, by name.
    zone_names   = optional(list(string))
    nat_per_zone = optional(bool, true)
    flow_logs    = optional(bool, true)
  })
  default = {}

  validation {
    condition = (
      can(cidrnetmask(var.network.cidr)) &&
      try(tonumber(split("/", var.network.cidr)[1]) >= 16, false) &&
      try(tonumber(split("/", var.network.cidr)[1]) <= 20, false)
    )
    error_message = "network.cidr is an IPv4 range between /16 and /20."
  }

  validation {
    condition     = contains([2, 3], var.network.zones)
    error_message = "network.zones is 2 or 3."
  }

  validation {
    condition = (
      var.network.zone_names == null ||
      length(distinct(coalesce(var.network.zone_names, []))) == var.network.zones
    )
    error_message = "network.zone_names holds as many different zones as network.zones says."
  }
}

variable "ssh" {
  description = "SSH to the instances from one range with one key pair. null: Session Manager only."
  type = object({
    cidr          = string
    key_pair_name = string
  })
  default = null

  validation {
    condition     = var.ssh == null || can(cidrnetmask(var.ssh.cidr))
    error_message = "ssh.cidr is an IPv4 range, such as 203.0.113.7/32."
  }

  validation {
    condition     = var.ssh == null || try(tonumber(split("/", var.ssh.cidr)[1]) >= 16, false)
    error_message = "ssh.cidr must not be wider than a /16: SSH is not for the whole internet."
  }
}

# Load balancer ----------------------------------------------------------------------------------

variable "domain" {
  description = "Host name of the shop. null: the load balancer's own name."
  type        = string
  default     = null

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain is a host name in lower case, such as shop.example.com."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of the domain. With one: HTTPS, and HTTP redirects to it."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^arn:[^:]+:acm:", coalesce(var.certificate_arn, "arn:aws:acm:")))
    error_message = "certificate_arn is the ARN of an ACM certificate."
  }

  validation {
    condition     = var.certificate_arn == null || var.domain != null
    error_message = "certificate_arn needs the domain that the certificate is for."
  }
}

variable "hosted_zone_id" {
  description = "Route 53 zone in which the domain gets its record. null: no record."
  type        = string
  default     = null

  validation {
    condition     = var.hosted_zone_id == null || var.domain != null
    error_message = "hosted_zone_id needs a domain."
  }
}

variable "load_balancer" {
  description = "Idle timeout (seconds), access logs, and an AWS WAF web ACL to put before it."
  type = object({
    idle_timeout_seconds = optional(number, 30)
    access_logs          = optional(bool, true)
    web_acl_arn          = optional(string)
  })
  default = {}

  validation {
    # Else the backend closes a connection that the load balancer just chose to reuse: a 502.
    condition = (
      var.load_balancer.idle_timeout_seconds >= 1 && var.load_balancer.idle_timeout_seconds < 35
    )
    error_message = "load_balancer.idle_timeout_seconds is below 35, the keep-alive of Saleor."
  }
}

# Instances --------------------------------------------------------------------------------------

variable "group" {
  description = "The scaled group: bounds, size, Spot share, native predictive policy to compare."
  type = object({
    min_size           = optional(number, 1)
    max_size           = optional(number, 10)
    desired_capacity   = optional(number, 2)
    instance_type      = optional(string, "t3.medium")
    root_volume_gib    = optional(number, 20)
    boot_seconds       = optional(number, 300)
    spot_percentage    = optional(number, 0)
    native_forecast    = optional(bool, false)
    cpu_target_percent = optional(number, 70)
    requests_target    = optional(number, 1000)
  })
  default = {}

  validation {
    condition = (
      0 <= var.group.min_size && var.group.min_size <= var.group.desired_capacity &&
      var.group.desired_capacity <= var.group.max_size
    )
    error_message = "group: 0 <= min_size <= desired_capacity <= max_size must hold."
  }

  validation {
    condition     = var.group.spot_percentage >= 0 && var.group.spot_percentage <= 100
    error_message = "group.spot_percentage is 0 to 100."
  }

  validation {
    condition     = var.group.cpu_target_percent >= 10 && var.group.cpu_target_percent <= 95
    error_message = "group.cpu_target_percent is 10 to 95."
  }

  validation {
    condition     = var.group.requests_target > 0
    error_message = "group.requests_target, per instance and minute, is above 0."
  }

  validation {
    condition     = var.group.root_volume_gib >= 10
    error_message = "group.root_volume_gib is 10 or more: the image alone takes 3."
  }

  validation {
    condition     = var.group.boot_seconds >= 60 && var.group.boot_seconds <= 1200
    error_message = "group.boot_seconds is 60 to 1200."
  }

  validation {
    condition     = !can(regex("^[a-z]+[0-9]+g[a-z]*[.]|^a1[.]", var.group.instance_type))
    error_message = "group.instance_type is an x86 type, as AMI and Compose are for x86_64."
  }
}

variable "worker" {
  description = "The instance of release step, Celery worker and beat."
  type = object({
    instance_type   = optional(string, "t3.medium")
    root_volume_gib = optional(number, 20)
  })
  default = {}

  validation {
    condition     = !can(regex("^[a-z]+[0-9]+g[a-z]*[.]|^a1[.]", var.worker.instance_type))
    error_message = "worker.instance_type is an x86 type, as AMI and Compose are for x86_64."
  }
}

variable "ami_id" {
  description = "AMI of all instances. null: the newest Amazon Linux 2023 at each apply; pin prod."
  type        = string
  default     = null

  validation {
    condition     = var.ami_id == null || can(regex("^ami-[0-9a-f]{8,17}$", var.ami_id))
    error_message = "ami_id looks like ami-0123456789abcdef0."
  }
}

# Saleor -----------------------------------------------------------------------------------------

variable "saleor" {
  description = "The shop: image (by digest), database connections of an instance, mail."
  type = object({
    registry   = optional(string, "ghcr.io")
    repository = optional(string, "saleor/saleor")
    # 3.23.36.
    digest = optional(
      string, "sha256:3fed0d65bb93644ff5a3b8d2014ce3d9512b46dbbbcb540133efc1d69ebe6426"
    )
    connections_per_instance = optional(number, 20)
    from_email               = optional(string, "shop@example.com")
    # A secret whose whole text is Saleor's EMAIL_URL. null: mail goes to the log.
    email_url_secret_arn = optional(string)
    email_port           = optional(number, 587)
  })
  default = {}

  validation {
    condition     = can(regex("^sha256:[0-9a-f]{64}$", var.saleor.digest))
    error_message = "saleor.digest is sha256: and 64 hexadecimal digits; a tag can change its mind."
  }

  validation {
    condition     = var.saleor.connections_per_instance >= 2
    error_message = "saleor.connections_per_instance is 2 or more: one for each of two workers."
  }

  validation {
    condition = can(regex(
      "^[a-z0-9.-]+(:[0-9]+)?/[a-z0-9]+([._/-]+[a-z0-9]+)*$",
      "${var.saleor.registry}/${var.saleor.repository}",
    ))
    error_message = "saleor.registry is a host, saleor.repository a path, without a tag or https://."
  }

  validation {
    # It stands between quotes in a file of the shell.
    condition     = can(regex("^[^@\\s']+@[^@\\s']+$", var.saleor.from_email))
    error_message = "saleor.from_email is an e-mail address, without quotes."
  }
}

variable "compose" {
  description = "Release of Docker Compose for x86_64, with the SHA-256 of its binary."
  type = object({
    version = optional(string, "2.31.0")
    sha256 = optional(
      string, "8b5d2cb358427e654ada217cfdfedc00c4273f7a8ee07f27003a18d15461b6cd"
    )
  })
  default = {}

  validation {
    condition     = can(regex("^[0-9]+[.][0-9]+[.][0-9]+$", var.compose.version))
    error_message = "compose.version is a number such as 2.31.0, without a v."
  }

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.compose.sha256))
    error_message = "compose.sha256 is 64 hexadecimal digits."
  }
}

variable "secrets" {
  description = "Django key and database password: made here (version + 1: new ones) or by you."
  type = object({
    # false: put {"SECRET_KEY": ..., "DATABASE_PASSWORD": ...} into the secret NAME/app yourself,
    # for instance those of a shop that moves here.
    generate = optional(bool, true)
    version  = optional(number, 1)
  })
  default = {}

  validation {
    condition     = var.secrets.version >= 1 && floor(var.secrets.version) == var.secrets.version
    error_message = "secrets.version is a whole number from 1."
  }
}

# Data -------------------------------------------------------------------------------------------

variable "database" {
  description = "PostgreSQL on RDS."
  type = object({
    engine_version = optional(string, "16")
    instance_class = optional(string, "db.t3.medium")
    multi_az       = optional(bool, true)
    # With secrets.generate only: RDS does not manage the master password then, so it is made here.
    read_replica         = optional(bool, false)
    storage_gib          = optional(number, 20)
    max_storage_gib      = optional(number, 100)
    max_connections      = optional(number, 400)
    backup_days          = optional(number, 7)
    performance_insights = optional(bool, true)
  })
  default = {}

  validation {
    condition     = can(regex("^1[4-9](\\.[0-9]+)?$", var.database.engine_version))
    error_message = "database.engine_version is 14 to 19, with or without a minor version."
  }

  validation {
    condition     = var.database.storage_gib >= 20
    error_message = "database.storage_gib is 20 or more."
  }

  validation {
    # What AWS demands of storage autoscaling.
    condition     = var.database.max_storage_gib >= 1.1 * var.database.storage_gib
    error_message = "database.max_storage_gib is at least 1.1 times storage_gib."
  }

  validation {
    condition     = var.database.backup_days >= 1 && var.database.backup_days <= 35
    error_message = "database.backup_days is 1 to 35."
  }
}

variable "redis" {
  description = "Redis on ElastiCache, or an existing one by its TLS host name."
  type = object({
    node_type     = optional(string, "cache.t3.medium")
    nodes         = optional(number, 2)
    existing_host = optional(string)
  })
  default = {}

  validation {
    condition     = var.redis.nodes >= 1 && var.redis.nodes <= 6
    error_message = "redis.nodes is 1 (no failover) to 6."
  }

  validation {
    condition     = can(regex("^[a-z0-9.-]+$", coalesce(var.redis.existing_host, "none")))
    error_message = "redis.existing_host is a host name alone, without rediss:// and port."
  }
}

variable "storage" {
  description = "Buckets: how long old versions are kept, and the TLS-only policy."
  type = object({
    old_versions_days = optional(number, 30)
    tls_only          = optional(bool, true)
  })
  default = {}

  validation {
    condition     = var.storage.old_versions_days >= 1
    error_message = "storage.old_versions_days is 1 or more."
  }
}

# Controller -------------------------------------------------------------------------------------

variable "lambda" {
  description = "The controller's function: zip, architecture, memory, timeout, reserved concurrency, log days. 512 MB hold 1,000 groups (390 MB at peak) but are 0.29 of a core, on which a warm tick's 15 CPU seconds take 50 s: beyond 200 groups give 1,769 MB, which are a core, and 120 s."
  type = object({
    zip                  = optional(string)
    architecture         = optional(string, "arm64")
    memory_mb            = optional(number, 512)
    timeout_seconds      = optional(number, 60)
    reserved_concurrency = optional(number)
    log_days             = optional(number, 30)
  })
  default = {}

  validation {
    condition     = contains(["arm64", "x86_64"], var.lambda.architecture)
    error_message = "lambda.architecture is arm64 or x86_64, as the zip was built."
  }

  validation {
    condition     = var.lambda.memory_mb >= 128 && var.lambda.memory_mb <= 10240
    error_message = "lambda.memory_mb is 128 to 10240."
  }

  validation {
    condition = (
      var.lambda.timeout_seconds >= 10 && var.lambda.timeout_seconds <= 300 &&
      var.lambda.timeout_seconds < 60 * var.controller.interval_minutes
    )
    error_message = "lambda.timeout_seconds is 10 to 300, and shorter than the control interval."
  }

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.lambda.log_days
    )
    error_message = "lambda.log_days is a retention that CloudWatch Logs offers, such as 14 or 30."
  }
}

variable "controller" {
  description = "Settings of the autoscaler, as in docs/settings.md. Null fields take its default."
  type = object({
    mode                  = optional(string, "observe")
    interval_minutes      = optional(number, 5)
    phase_minutes         = optional(number, 2)
    boot_minutes          = optional(number, 5)
    metric_delay_seconds  = optional(number, 120)
    metric_period_seconds = optional(number, 60)
    history_days          = optional(number, 14)
    timezone              = optional(string, "UTC")
    capacity_per_instance = optional(number)
    miss_price            = optional(number)
    missed_budget         = optional(number)
    quantile              = optional(number)
    instance_hour_price   = optional(number)
    surplus_hour_price    = optional(number, 0)
    baseline_cpu_percent  = optional(number, 0)
    spending_cap_usd      = optional(number)
    spending_period       = optional(string, "day")
    max_model_age_days    = optional(number, 14)
    # Whose published model to use. null: the group's own.
    model                  = optional(string)
    scale_in_grace_minutes = optional(number, 0)
    scale_in_step_percent  = optional(number, 50)
    notify_step            = optional(number, 10)
    # Of the module's own group, whose alarms look at what it publishes. null: full.
    metrics_level  = optional(string)
    model_cache_mb = optional(number, 100)
  })
  default = {}

  validation {
    condition     = contains(["off", "observe", "full"], var.controller.mode)
    error_message = "controller.mode is off, observe or full."
  }

  validation {
    condition = (
      contains([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60], var.controller.interval_minutes)
    )
    error_message = "controller.interval_minutes is a divisor of 60."
  }

  validation {
    condition = (
      var.controller.phase_minutes >= 0 &&
      var.controller.phase_minutes < var.controller.interval_minutes
    )
    error_message = "controller.phase_minutes is 0 or more and less than the interval."
  }

  validation {
    condition     = var.controller.boot_minutes >= 1 && var.controller.boot_minutes <= 20
    error_message = "controller.boot_minutes is 1 to 20."
  }

  validation {
    condition = (
      var.controller.metric_delay_seconds >= 0 && var.controller.metric_delay_seconds <= 900
    )
    error_message = "controller.metric_delay_seconds is 0 to 900."
  }

  validation {
    condition = (
      var.controller.metric_period_seconds >= 60 &&
      var.controller.metric_period_seconds % 60 == 0 &&
      60 * var.controller.interval_minutes % var.controller.metric_period_seconds == 0
    )
    error_message = "controller.metric_period_seconds is a multiple of 60 and divides the interval."
  }

  validation {
    condition     = var.controller.history_days >= 9 && var.controller.history_days <= 60
    error_message = "controller.history_days is 9 to 60."
  }

  validation {
    condition     = can(regex("^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$", var.controller.timezone))
    error_message = "controller.timezone is an IANA zone, such as Europe/Berlin."
  }

  validation {
    condition     = coalesce(var.controller.capacity_per_instance, 1) > 0
    error_message = "controller.capacity_per_instance is above 0."
  }

  validation {
    condition = (
      coalesce(var.controller.miss_price, 1) >= 1 &&
      coalesce(var.controller.miss_price, 1) <= 1000000
    )
    error_message = "controller.miss_price is 1 to 1000000."
  }

  validation {
    condition = (
      coalesce(var.controller.missed_budget, 0.01) >= 0.00001 &&
      coalesce(var.controller.missed_budget, 0.01) <= 0.2
    )
    error_message = "controller.missed_budget is a share, 0.00001 to 0.2."
  }

  validation {
    condition = (
      coalesce(var.controller.quantile, 0.5) >= 0.5 &&
      coalesce(var.controller.quantile, 0.5) <= 0.9999
    )
    error_message = "controller.quantile is 0.5 to 0.9999."
  }

  validation {
    condition = length([
      for aim in [
        var.controller.miss_price, var.controller.missed_budget, var.controller.quantile,
      ] : aim if aim != null
    ]) <= 1
    error_message = "controller: set at most one of miss_price, missed_budget and quantile."
  }

  validation {
    condition = (
      coalesce(var.controller.instance_hour_price, 1) >= 0.0001 &&
      coalesce(var.controller.instance_hour_price, 1) <= 1000
    )
    error_message = "controller.instance_hour_price is 0.0001 to 1000."
  }

  validation {
    condition = (
      var.controller.surplus_hour_price >= 0 && var.controller.surplus_hour_price <= 1000
    )
    error_message = "controller.surplus_hour_price is 0 to 1000."
  }

  validation {
    condition = (
      var.controller.baseline_cpu_percent >= 0 && var.controller.baseline_cpu_percent <= 100
    )
    error_message = "controller.baseline_cpu_percent is 0 to 100."
  }

  validation {
    condition = (
      coalesce(var.controller.spending_cap_usd, 1) >= 0.01 &&
      coalesce(var.controller.spending_cap_usd, 1) <= 10000000
    )
    error_message = "controller.spending_cap_usd is 0.01 to 10000000."
  }

  validation {
    condition = (
      var.controller.spending_cap_usd == null || var.controller.instance_hour_price != null
    )
    error_message = "controller.spending_cap_usd needs controller.instance_hour_price."
  }

  validation {
    condition     = contains(["day", "month"], var.controller.spending_period)
    error_message = "controller.spending_period is day or month."
  }

  validation {
    condition = (
      var.controller.max_model_age_days >= 0.1 && var.controller.max_model_age_days <= 365
    )
    error_message = "controller.max_model_age_days is 0.1 to 365."
  }

  validation {
    condition     = can(regex("^[^:]{1,255}$", coalesce(var.controller.model, "own")))
    error_message = "controller.model is the name of a group whose model is published."
  }

  validation {
    condition = (
      var.controller.scale_in_grace_minutes >= 0 && var.controller.scale_in_grace_minutes <= 240
    )
    error_message = "controller.scale_in_grace_minutes is 0 to 240."
  }

  validation {
    condition = (
      var.controller.scale_in_step_percent >= 1 && var.controller.scale_in_step_percent <= 50
    )
    error_message = "controller.scale_in_step_percent is 1 to 50."
  }

  validation {
    condition = (
      var.controller.notify_step >= 0 && var.controller.notify_step <= 1000 &&
      floor(var.controller.notify_step) == var.controller.notify_step
    )
    error_message = "controller.notify_step is a whole number from 0 to 1000."
  }

  validation {
    condition = (
      contains(["full", "basic", "none"], coalesce(var.controller.metrics_level, "full"))
    )
    error_message = "controller.metrics_level is full, basic or none."
  }

  validation {
    condition = (
      var.controller.model_cache_mb >= 0 && var.controller.model_cache_mb <= 10000 &&
      floor(var.controller.model_cache_mb) == var.controller.model_cache_mb
    )
    error_message = "controller.model_cache_mb is a whole number, 0 to 10000."
  }
}

variable "more_groups" {
  description = "Other Auto Scaling groups of the account and region that the same function looks after, by name; see docs/many-groups.md."
  type = map(object({
    load_balancer = string
    target_group  = optional(string)
    mode          = optional(string, "observe")
    # null: as the controller's.
    boot_minutes           = optional(number)
    metric_delay_seconds   = optional(number)
    metric_period_seconds  = optional(number)
    history_days           = optional(number)
    timezone               = optional(string)
    miss_price             = optional(number)
    missed_budget          = optional(number)
    quantile               = optional(number)
    max_model_age_days     = optional(number)
    scale_in_grace_minutes = optional(number)
    scale_in_step_percent  = optional(number)
    notify_step            = optional(number)
    spending_period        = optional(string)
    # null: unset, since the controller's are about the module's own group.
    capacity_per_instance = optional(number)
    requests_per_target   = optional(number)
    target_cpu_percent    = optional(number)
    instance_hour_price   = optional(number)
    surplus_hour_price    = optional(number)
    baseline_cpu_percent  = optional(number)
    spending_cap_usd      = optional(number)
    model                 = optional(string)
    # null: full for up to 10 groups in all, basic for up to 100, none for more.
    metrics_level = optional(string)
  }))
  default = {}

  validation {
    # A colon, a star or a question mark would mean something else in the role's policy.
    condition = alltrue([
      for name in keys(var.more_groups) : can(regex("^[A-Za-z0-9._/-]{1,255}$", name))
    ])
    error_message = "more_groups: a name is 1 to 255 of a-z, A-Z, 0-9, dot, underscore, slash, hyphen."
  }

  validation {
    condition = length(setintersection(
      keys(var.more_groups), ["${var.project_name}-web", "${var.project_name}-worker"]
    )) == 0
    error_message = "more_groups: the module's own groups are not among the others."
  }

  validation {
    condition = alltrue([
      for group in values(var.more_groups) :
      can(regex("^app/[^/]+/[^/]+$", group.load_balancer))
    ])
    error_message = "more_groups: load_balancer is app/NAME/ID, the end of its ARN."
  }

  validation {
    condition = alltrue([
      for group in values(var.more_groups) :
      group.target_group == null || can(regex("^targetgroup/[^/]+/[^/]+$", group.target_group))
    ])
    error_message = "more_groups: target_group is targetgroup/NAME/ID, the end of its ARN."
  }

  validation {
    condition = alltrue([
      for group in values(var.more_groups) : contains(["off", "observe", "full"], group.mode)
    ])
    error_message = "more_groups: mode is off, observe or full."
  }

  validation {
    condition = alltrue(flatten([
      for group in values(var.more_groups) : [
        for key, range in {
          boot_minutes           = [1, 20]
          metric_delay_seconds   = [0, 900]
          metric_period_seconds  = [60, 3600]
          history_days           = [9, 60]
          capacity_per_instance  = [0.000001, 1000000000000]
          requests_per_target    = [0.000001, 1000000000000]
          target_cpu_percent     = [10, 95]
          miss_price             = [1, 1000000]
          missed_budget          = [0.00001, 0.2]
          quantile               = [0.5, 0.9999]
          instance_hour_price    = [0.0001, 1000]
          surplus_hour_price     = [0, 1000]
          baseline_cpu_percent   = [0, 100]
          spending_cap_usd       = [0.01, 10000000]
          max_model_age_days     = [0.1, 365]
          scale_in_grace_minutes = [0, 240]
          scale_in_step_percent  = [1, 50]
          notify_step            = [0, 1000]
        } :
        coalesce(group[key], range[0]) >= range[0] && coalesce(group[key], range[0]) <= range[1]
      ]
    ]))
    error_message = "more_groups: each number lies in the range that docs/settings.md tells."
  }

  validation {
    condition = alltrue(flatten([
      for group in values(var.more_groups) : [
        for number in [group.history_days, group.metric_delay_seconds, group.notify_step] :
        floor(coalesce(number, 0)) == coalesce(number, 0)
      ]
    ]))
    error_message = "more_groups: history_days, metric_delay_seconds and notify_step are whole numbers."
  }

  validation {
    condition = alltrue([
      for period in [
        for group in values(var.more_groups) :
        coalesce(group.metric_period_seconds, var.controller.metric_period_seconds)
      ] :
      period % 60 == 0 && 60 * var.controller.interval_minutes % period == 0
    ])
    error_message = "more_groups: metric_period_seconds is a multiple of 60 and divides the interval."
  }

  validation {
    condition = alltrue([
      for group in values(var.more_groups) :
      can(regex("^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$", coalesce(group.timezone, "UTC")))
    ])
    error_message = "more_groups: timezone is an IANA zone, such as Europe/Berlin."
  }

  validation {
    condition = alltrue([
      for group in values(var.more_groups) : length([
        for aim in [group.miss_price, group.missed_budget, group.quantile] : aim if aim != null
      ]) <= 1
    ])
    error_message = "more_groups: set at most one of miss_price, missed_budget and quantile."
  }

  validation {
    condition = alltrue([
      for group in values(var.more_groups) :
      group.spending_cap_usd == null || group.instance_hour_price != null
    ])
    error_message = "more_groups: spending_cap_usd needs instance_hour_price."
  }

  validation {
    condition = alltrue([
      for group in values(var.more_groups) :
      contains(["day", "month"], coalesce(group.spending_period, "day"))
    ])
    error_message = "more_groups: spending_period is day or month."
  }

  validation {
    condition = alltrue([
      for group in values(var.more_groups) :
      can(regex("^[^:]{1,255}$", coalesce(group.model, "own")))
    ])
    error_message = "more_groups: model is the name of a group whose model is published."
  }

  validation {
    condition = alltrue([
      for group in values(var.more_groups) :
      contains(["full", "basic", "none"], coalesce(group.metrics_level, "full"))
    ])
    error_message = "more_groups: metrics_level is full, basic or none."
  }

  validation {
    # A role's own policies hold 10,240 characters; an ARN takes some 100 beside the name.
    condition = (
      var.more_groups_prefix != null ||
      sum(concat([0], [for name in keys(var.more_groups) : 100 + length(name)])) <= 7000
    )
    error_message = "more_groups: so many names do not fit into the policy: set more_groups_prefix."
  }

  validation {
    condition = alltrue([
      for name in keys(var.more_groups) : startswith(name, coalesce(var.more_groups_prefix, name))
    ])
    error_message = "more_groups: every name begins with more_groups_prefix, if that is set."
  }

  validation {
    # 10 seconds are kept for acting and 0.05 a group for deciding; histories are read in the rest.
    condition = (
      length(var.more_groups) == 0 ||
      var.lambda.timeout_seconds >= 20 + 0.1 * length(var.more_groups)
    )
    error_message = "more_groups: lambda.timeout_seconds is at least 20, and 0.1 more for each group."
  }
}

variable "more_groups_prefix" {
  description = "What the names of more_groups begin with, and those of no group that is to be out of the function's reach: its rights are then on all such groups. null: on each by its name."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]{3,200}$", coalesce(var.more_groups_prefix, "none")))
    error_message = "more_groups_prefix is 3 to 200 of a-z, A-Z, 0-9, dot, underscore, slash, hyphen."
  }
}

# Seeing -----------------------------------------------------------------------------------------

variable "alarms" {
  description = "Where alarms go, when they ring, the page they point to, and whether scaling is told too."
  type = object({
    email                 = optional(string)
    p95_seconds           = optional(number, 1)
    errors_percent        = optional(number, 2)
    scaling_notifications = optional(bool, true)
    # Where your people read docs/runbook.md: with an address here, alarms link to it.
    runbook = optional(string, "docs/runbook.md")
  })
  default = {}

  validation {
    condition     = var.alarms.email == null || can(regex("^[^@\\s]+@[^@\\s]+$", var.alarms.email))
    error_message = "alarms.email is an e-mail address."
  }

  validation {
    condition     = var.alarms.p95_seconds > 0
    error_message = "alarms.p95_seconds is above 0."
  }

  validation {
    condition     = var.alarms.errors_percent > 0 && var.alarms.errors_percent <= 100
    error_message = "alarms.errors_percent is above 0 and at most 100."
  }

  validation {
    condition     = can(regex("^[^\\s#]{1,500}$", var.alarms.runbook))
    error_message = "alarms.runbook is the address or path of a page: 1 to 500 characters, no spaces, no #."
  }
}

variable "budget" {
  description = "Monthly budget in USD, of the account or of the tag Project. null: none."
  type = object({
    monthly_usd = number
    # Needs the tag to be activated for cost allocation first; until then it counts nothing.
    by_tag = optional(bool, false)
  })
  default = {
    monthly_usd = 300
  }

  validation {
    condition     = var.budget == null || try(var.budget.monthly_usd > 0, false)
    error_message = "budget.monthly_usd is above 0."
  }
}
