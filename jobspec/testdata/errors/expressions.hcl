job "j" {
  name      = "${NOMAD_PORT_http + 1}"
  region    = var.missing
  namespace = nofunc("x")
  node_pool = local.missing
  type      = file("x")
  meta = {
    a = [1][5]
  }
}
