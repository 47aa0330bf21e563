# On a stop the leader ends first, then the other main tasks, then sidecars; poststop tasks run last.
locals {
  script = "trap 'sleep 0.2; echo $NOMAD_TASK_NAME >> $NOMAD_ALLOC_DIR/data/order; exit 0' INT; touch $NOMAD_ALLOC_DIR/data/$NOMAD_TASK_NAME; while :; do sleep 0.05; done"
}

job "stop-order" {
  group "g" {
    task "main" {
      driver       = "raw_exec"
      kill_timeout = "20s"

      config {
        command = "/bin/sh"
        args    = ["-c", local.script]
      }
    }

    task "lead" {
      driver       = "raw_exec"
      leader       = true
      kill_timeout = "20s"

      config {
        command = "/bin/sh"
        args    = ["-c", local.script]
      }
    }

    task "side" {
      driver       = "raw_exec"
      kill_timeout = "20s"

      lifecycle {
        hook    = "poststart"
        sidecar = true
      }

      config {
        command = "/bin/sh"
        args    = ["-c", replace(local.script, "touch", "touch $NOMAD_ALLOC_DIR/data/ready")]
      }
    }

    task "post" {
      driver = "raw_exec"

      lifecycle {
        hook = "poststop"
      }

      config {
        command = "/bin/sh"
        args    = ["-c", "echo post >> $NOMAD_ALLOC_DIR/data/order"]
      }
    }
  }
}
