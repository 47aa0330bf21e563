job "infeasible" {
  constraint {
    attribute = "${attr.kernel.name}"
    value     = "plan9"
  }

  group "g" {
    count = 2

    task "t" {
      driver = "mock_driver"

      config {
        run_for = "1h"
      }
    }
  }
}
