job "j" {
  group "g" {
    scaling {}
    task "t" {
      lifecycle {}
      action "a" {}
      scaling "cpu" {}
    }
  }
}
