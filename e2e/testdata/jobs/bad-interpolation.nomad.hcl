job "bad-interpolation" {
  type = "batch"

  group "g" {
    reschedule {
      attempts = 0
    }

    task "t" {
      driver = "raw_exec"

      config {
        command = "/bin/echo"
        args    = ["${nope.x}"]
      }
    }
  }
}
