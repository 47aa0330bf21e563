# Every shorthand of constraint and affinity.
job "placement" {
  constraint {
    attribute = "${attr.a}"
    version   = "> 1.0"
  }
  constraint {
    attribute = "${attr.a}"
    semver    = ">= 1.0"
  }
  constraint {
    attribute = "${attr.a}"
    regexp    = "^x"
  }
  constraint {
    attribute    = "${attr.a}"
    set_contains = "a,b"
  }
  constraint {
    distinct_property = "${meta.rack}"
    value             = 3
  }
  constraint {
    distinct_hosts = false
  }
  constraint {
    distinct_hosts = "true"
  }
  # Accepted, without effect.
  constraint {
    attribute        = "${attr.a}"
    set_contains_all = "a"
    set_contains_any = "a"
    is_set           = "a"
    is_not_set       = "a"
  }
  affinity {
    attribute = "${attr.a}"
    version   = "> 1.0"
  }
  affinity {
    attribute = "${attr.a}"
    semver    = ">= 1.0"
  }
  affinity {
    attribute = "${attr.a}"
    regexp    = "^x"
  }
  affinity {
    attribute    = "${attr.a}"
    set_contains = "a,b"
  }
  affinity {
    attribute        = "${attr.a}"
    set_contains_all = "a,b"
    weight           = "75"
  }
  affinity {
    attribute        = "${attr.a}"
    set_contains_any = "a,b"
    weight           = -99.9
  }
}
