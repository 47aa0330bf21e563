locals {
  a = local.b
  b = "${local.a}"
  c = local.nope
  d = unknown.x
  e = 1
}
locals {
  e = 2
}
job "j" {}
