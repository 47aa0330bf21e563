job "constraints" {
  type = "batch"
  dynamic "constraint" {
    for_each = [
      ["${attr.kernel.name}", "=", "linux"], ["${attr.kernel.name}", "==", "linux"], ["${attr.kernel.name}", "is", "linux"],
      ["${attr.kernel.name}", "!=", "darwin"], ["${attr.nope}", "not", "darwin"],
      ["${attr.cpu.numcores}", ">", "0"], ["${attr.cpu.numcores}", ">=", "1"], ["${attr.cpu.numcores}", "<", "10000"], ["${attr.cpu.numcores}", "<=", "9999.5"],
      ["${attr.nomad.version}", "version", ">= 0.1"], ["${attr.nomad.version}", "semver", ">= 0.1.0-a"],
      ["${attr.cpu.arch}", "regexp", "(amd|arm)64"],
      ["a,b,c", "set_contains", "a, c"], ["a,b,c", "set_contains_all", "a,b"], ["a,b", "set_contains_any", "z,b"],
      ["${meta.rack}", "is_set", ""], ["${meta.zzz}", "is_not_set", ""],
    ]
    content {
      attribute = constraint.value[0]
      operator = constraint.value[1]
      value = constraint.value[2]
    }
  }
  constraint { distinct_hosts = true }
  constraint {
    distinct_property = "${node.unique.id}"
    value = "2"
  }
  constraint {
    attribute = "${attr.cpu.arch}"
    regexp = "64"
  }
  affinity {
    attribute = "${node.datacenter}"
    value = "dc1"
    weight = 70
  }
  affinity {
    attribute = "${meta.rack}"
    value = "r2"
    weight = -30
  }
  spread {
    attribute = "${node.datacenter}"
    target "dc1" {
      percent = 60
    }
    target "dc2" {
      percent = 40
    }
  }
  group "g" {
    task "t" {
      driver = "mock_driver"
      config { run_for = "100ms" }
    }
  }
}
