job "prestart-fails" {
  type = "batch"

  group "g" {
    restart {
      attempts = 0
    }

    reschedule {
      attempts = 0
    }

    task "pre" {
      driver = "raw_exec"

      lifecycle {
        hook = "prestart"
      }

      config {
        command = "false"
      }
    }

    task "main" {
      driver = "raw_exec"

      config {
        command = "true"
      }
    }

    task "post" {
      driver = "raw_exec"

      lifecycle {
        hook = "poststop"
      }

      config {
        command = "/bin/sh"
        args    = ["-c", "echo post > $NOMAD_ALLOC_DIR/data/order"]
      }
    }
  }
}
