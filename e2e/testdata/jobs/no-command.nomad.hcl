job "no-command" {
  type = "batch"

  group "g" {
    restart {
      attempts = 0
    }

    reschedule {
      attempts = 0
    }

    task "t" {
      driver = "raw_exec"

      config {
        command = "/no/such/file"
      }
    }
  }
}
