# A small web service: three instances, each on a port of its own, updated one after the other.

variable "binary" {
  description = "Path of the built demo web service"
  type        = string
}

variable "version" {
  description = "Shown by the service; changing it replaces the instances"
  type        = string
  default     = "1"
}

variable "count" {
  type    = number
  default = 3

  validation {
    condition     = var.count > 0 && var.count <= 10
    error_message = "The demo runs 1 to 10 instances."
  }
}

locals {
  greeting = upper("hello")
}

job "web" {
  type = "service"

  meta {
    owner = "demo"
  }

  group "web" {
    count = var.count

    network {
      port "http" {}
    }

    update {
      max_parallel     = 1
      min_healthy_time = "200ms"
      healthy_deadline = "30s"
    }

    restart {
      attempts = 3
      interval = "1m"
      delay    = "1s"
      mode     = "fail"
    }

    task "server" {
      driver       = "raw_exec"
      kill_timeout = "5s"

      config {
        command = var.binary
      }

      env {
        GREETING = local.greeting
        VERSION  = var.version
      }

      resources {
        cpu    = 50
        memory = 32
      }
    }
  }
}
