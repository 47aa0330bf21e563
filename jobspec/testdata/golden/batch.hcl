job "batch" {
  type = "batch"
  periodic {
    enabled          = true
    cron             = "*/5 * * * *"
    crons            = ["@daily", "0 9 * * *"]
    prohibit_overlap = true
    time_zone        = "Europe/Paris"
  }
  parameterized {
    payload       = "required"
    meta_required = ["a"]
    meta_optional = ["b", "c"]
  }
  multiregion {
    strategy {
      max_parallel = 1
      on_failure   = "fail_all"
    }
    region "west" {
      count       = 2
      datacenters = ["w1"]
      node_pool   = "p"
      meta {
        k = "v"
      }
    }
    region "east" {}
  }
  group "g" {
    task "t" {
      driver = "mock_driver"
    }
  }
}
