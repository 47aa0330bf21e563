# A service task that is not restarted fails even when it ends well.
job "attempts-none" {
  group "g" {
    restart {
      attempts = 0
    }

    reschedule {
      unlimited = false
    }

    task "t" {
      driver = "raw_exec"

      config {
        command = "true"
      }
    }
  }
}
