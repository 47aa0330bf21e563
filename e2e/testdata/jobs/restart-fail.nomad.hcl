# The task fails once the client has had the time to note that its sibling has started.
job "restart-fail" {
  group "g" {
    restart {
      attempts = 1
      delay    = "100ms"
      interval = "1m"
      mode     = "fail"
    }

    reschedule {
      attempts  = 0
      unlimited = false
    }

    task "t" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "until [ -f $NOMAD_ALLOC_DIR/data/ready ]; do sleep 0.05; done; sleep 2; exit 7"]
      }
    }

    task "sibling" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "touch $NOMAD_ALLOC_DIR/data/ready; exec sleep 1000"]
      }
    }
  }
}
