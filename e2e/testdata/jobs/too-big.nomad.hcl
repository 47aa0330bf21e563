job "too-big" {
  group "g" {
    task "t" {
      driver = "mock_driver"

      config {
        run_for = "1h"
      }

      resources {
        memory = 1000000000
      }
    }
  }
}
