job "shell" {
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "sh"
        args    = ["-c", "echo $${fine##*/} ${name%%.*} ${ok}"]
      }
      env {
        A = "${ok}"
      }
    }
  }
}
