job "j" {
  priority    = 1.5
  all_at_once = "maybe"
  datacenters = "dc1"
  group "g" {
    count              = "two"
    shutdown_delay     = "10"
    max_run_duration   = 0.5
    restart {
      delay    = true
      interval = "soon"
      attempts = [1]
    }
    task "t" {
      driver = ["raw_exec"]
      env {
        LIST = [1]
      }
      meta = "text"
      template {
        uid = 99999999999999999999
      }
      service {
        check {
          header {
            Accept = "text/plain"
          }
        }
      }
      affinity {
        weight = "heavy"
      }
      constraint {
        distinct_hosts = "perhaps"
      }
      constraint {
        version = ["1"]
      }
    }
  }
}
