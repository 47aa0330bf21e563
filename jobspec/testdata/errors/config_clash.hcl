job "j" {
  group "g" {
    task "t" {
      config {
        a = 1
        a {
          b = 2
        }
      }
    }
  }
}
