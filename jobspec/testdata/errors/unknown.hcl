job "j" {
  prority = 1
  consul_namespace = "x"
  group "g" {
    nope {}
    meta = { a = 1 }
    task "t" {
      config = { command = "x" }
      service {
        meta = { a = "b" }
        tagged_addresses = { lan = "x" }
        check {
          header = { A = ["b"] }
        }
      }
      artifact {
        options = { a = "b" }
        headers = { a = "b" }
      }
    }
    network {
      cni {
        args {
          a = "b"
        }
      }
    }
  }
}
