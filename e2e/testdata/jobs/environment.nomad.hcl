variable "greeting" {
  type    = string
  default = "hi"
}

locals {
  loud = upper(var.greeting)
}

job "environment" {
  type = "batch"

  meta {
    owner = "team-a"
    level = "job"
  }

  group "g" {
    meta = { "my-key" = "x", level = "group" }

    network {
      port "http" {}
      port "my-port" { to = 8080 }
      port "same" { to = -1 }
    }

    task "t" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args = ["-c", <<-EOT
          env > "$NOMAD_ALLOC_DIR/data/env"
          pwd > "$NOMAD_ALLOC_DIR/data/pwd"
          echo "$@" > "$NOMAD_ALLOC_DIR/data/args"
        EOT
          , "sh", "${env["NOMAD_JOB_NAME"]}-${node.datacenter}", "${meta["dash-key"]}", "${node.attr["kernel.name"]}"
        ]
      }

      env {
        GREETING  = local.loud
        MY_PORT   = "${NOMAD_PORT_http}"
        UNKNOWN   = "${foo.bar}"
        INDEXED   = "${env["X"]}"
        OF_JOB    = "${NOMAD_META_owner}"
        OF_NODE   = "${node.region}/${node.datacenter}/${node.pool}/${meta.rack}"
        KERNEL    = "${attr.kernel.name}"
        ESCAPED   = "$${NOMAD_ALLOC_INDEX}"
        NOMAD_DC  = "mine"
      }

      meta {
        level = "task"
      }

      resources {
        cpu    = 50
        memory = 32
      }
    }
  }
}
