job "shell" {
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "sh"
        args    = ["-c", "echo ${path##*/}"]
      }
      env {
        A = "b"
        C = "d"
      }
    }
  }
}
