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
        args    = ["-c", "exit 7"]
      }
    }

    task "sibling" {
      driver = "raw_exec"

      config {
        command = "sleep"
        args    = ["1000"]
      }
    }
  }
}
