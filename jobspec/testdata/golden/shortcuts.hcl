# What may be written once for all tasks, and what the parser rearranges.
job "label" {
  id   = "other/id"
  name = "Other name"

  vault {
    role = "job"
  }
  secret "j" {
    provider = "nomad"
    path     = "j"
  }

  group "first" {
    vault {
      role = "group"
    }
    secret "g" {
      provider = "nomad"
      path     = "g"
    }
    task "own" {
      driver = "raw_exec"
      vault {
        role = "task"
      }
      secret "t" {
        provider = "nomad"
        path     = "t"
      }
    }
    task "inherits" {
      driver = "raw_exec"
      identity {
        name = "extra"
        aud  = ["x"]
      }
      identity {
        name = "default"
        file = true
      }
    }
    network {
      reserved_ports "dropped" {
        static = 1
      }
      port "a" {}
      port "b" {
        static = 22
      }
    }
  }

  group "legacy" {
    network {
      reserved_ports "kept" {
        static = 23
      }
    }
    task "t" {
      driver = "raw_exec"
    }
  }

  task "alone" {
    driver = "raw_exec"
  }
}
