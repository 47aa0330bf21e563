# Conversion of schema-less bodies.
job "config" {
  group "g" {
    task "t" {
      driver = "x"
      config {
        text      = "a"
        whole     = 3
        exact     = 3.0
        fraction  = 1.5
        huge      = 100000000000000000000000
        yes       = true
        nothing   = null
        list      = [1, "a", true]
        empty     = []
        object    = { a = 1, b = { c = "deep" } }
        objects   = [{ a = 1 }, { a = 2, b = { c = 3 } }]
        mixed     = [{ a = 1 }, "x"]
        runtime   = "${NOMAD_PORT_http}:${ node.unique.id }"
        bare      = node.class
        block {
          b = 2
        }
        block {
          b = 3
          inner {
            o = { k = "v" }
          }
        }
        labelled "x" "y" {
          c = 1
        }
        labelled "z" {
          d = 1
        }
        dynamic "generated" {
          for_each = ["one", "two"]
          labels   = [generated.value]
          content {
            n = generated.key
          }
        }
      }
    }
  }
}
