# A service of two instances that answers on a port of its own choosing. Run it with
#
#     nomadlike job run example.nomad.hcl

variable "greeting" {
  type    = string
  default = "hello"
}

job "example" {
  # "service" runs until it is stopped, "batch" until it is done.
  type = "service"

  group "web" {
    count = 2

    # A port that is free on the node; tasks find it in NOMAD_PORT_http.
    network {
      port "http" {}
    }

    # Instances are replaced one at a time when the job changes.
    update {
      max_parallel     = 1
      min_healthy_time = "5s"
      healthy_deadline = "2m"
    }

    # Failed tasks are started again here before the instance moves to another node.
    restart {
      attempts = 2
      interval = "30m"
      delay    = "15s"
      mode     = "fail"
    }

    task "server" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "while true; do echo \"$GREETING from port $NOMAD_PORT_http\"; sleep 5; done"]
      }

      env {
        GREETING = var.greeting
      }

      # MHz of CPU and MiB of memory.
      resources {
        cpu    = 50
        memory = 32
      }
    }
  }
}
