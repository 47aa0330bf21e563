job "j" {
  update {}
  update {}
  type = "batch"
  meta {}
  meta {}
  group "g" {
    vault {}
    vault {}
    meta = {}
    meta {}
    task "t" {
      env {
        A = 1
      }
      env = { B = 2 }
      config {}
      config {}
      config2 = 1
    }
  }
}
