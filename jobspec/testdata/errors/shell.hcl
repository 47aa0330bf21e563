job "shell" {
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "sh"
        args    = ["-c", "curl -w %{http_code} localhost"]
      }
      env {
        A = "${ok}"
      }
    }
  }
}
