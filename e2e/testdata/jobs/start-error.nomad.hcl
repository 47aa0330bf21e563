job "start-error" {
  type = "batch"

  group "g" {
    restart {
      attempts = 1
      delay    = "50ms"
    }

    reschedule {
      attempts = 0
    }

    task "t" {
      driver = "mock_driver"

      config {
        start_error             = "no luck"
        start_error_recoverable = true
      }
    }
  }
}
