variable "dup" {
  default = 1
}
variable "dup" {
  default = 2
}
variables {
  dup = 3
}
variable "1bad" {
  default = 1
}
variable "sens" {
  default   = 1
  sensitive = true
  nullable  = true
}
variable "badtype" {
  type    = strong
  default = 1
}
variable "opt" {
  type    = object({ a = optional(string) })
  default = {}
}
variable "ref" {
  default = var.dup
}
variable "loc" {
  default = local.x
}
variable "fn" {
  default = upper("x")
}
variable "conv" {
  type    = number
  default = "abc"
}
variable "unset" {}
job "j" {}
