job "max-run-duration" {
  type = "batch"

  group "g" {
    max_run_duration = "1s"

    task "t" {
      driver = "raw_exec"

      config {
        command = "sleep"
        args    = ["1000"]
      }
    }

    task "post" {
      driver = "raw_exec"

      lifecycle {
        hook = "poststop"
      }

      config {
        command = "true"
      }
    }
  }
}
