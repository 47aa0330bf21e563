job "j" {
  group {}
  update "x" {}
  group "a" "b" {}
  group "g" {
    volume {}
    task "t" {
      scaling "disk" {
        max = 1
      }
      scaling "cpu" {
        max = 1
      }
      scaling "cpu" {
        max = 2
      }
    }
  }
}
