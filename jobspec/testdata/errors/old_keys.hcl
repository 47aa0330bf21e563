job "j" {
  group "g" {
    task "t" {
      env {
        "A-B" = "x"
        C     = "y"
      }
      config {
        labels {
          com.example.team = "z"
        }
      }
    }
  }
}
