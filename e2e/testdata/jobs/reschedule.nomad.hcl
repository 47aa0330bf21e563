job "reschedule" {
  type = "batch"

  group "g" {
    restart {
      attempts = 0
    }

    reschedule {
      attempts       = 1
      unlimited      = false
      interval       = "1h"
      delay          = "5s"
      delay_function = "constant"
    }

    task "t" {
      driver = "mock_driver"

      config {
        run_for   = "10ms"
        exit_code = 9
      }
    }
  }
}
