# Every stage of the life of an allocation writes down when it starts and ends.
job "lifecycle" {
  type = "batch"

  group "g" {
    dynamic "task" {
      for_each = { pre = "prestart", after = "poststart", post = "poststop" }
      labels   = [task.key]

      content {
        driver = "raw_exec"

        lifecycle {
          hook = task.value
        }

        config {
          command = "/bin/sh"
          args    = ["-c", "echo ${task.key} >> $NOMAD_ALLOC_DIR/data/order"]
        }
      }
    }

    task "side" {
      driver = "raw_exec"

      lifecycle {
        hook    = "prestart"
        sidecar = true
      }

      config {
        command = "sleep"
        args    = ["1000"]
      }
    }

    task "main" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args = ["-c", <<-EOT
          echo main >> "$NOMAD_ALLOC_DIR/data/order"
          until grep -q after "$NOMAD_ALLOC_DIR/data/order"; do sleep 0.05; done
          echo main-end >> "$NOMAD_ALLOC_DIR/data/order"
        EOT
        ]
      }
    }
  }
}
