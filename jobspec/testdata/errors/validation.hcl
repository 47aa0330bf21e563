variable "low" {
  type    = number
  default = 1
  validation {
    condition     = var.low > 1
    error_message = "it must be above one"
  }
  validation {
    condition     = var.low < 100
    error_message = "it must be below 100"
  }
}
variable "other" {
  default = 1
  validation {
    condition     = var.low > 1
    error_message = "x"
  }
}
variable "none" {
  default = 1
  validation {
    condition     = true
    error_message = "x"
  }
}
variable "more" {
  default = 1
  validation {
    condition     = var.more > local.x
    error_message = "x"
  }
}
variable "text" {
  default = 1
  validation {
    condition     = "a ${var.text}"
    error_message = "x"
  }
}
variable "empty" {
  default = 1
  validation {
    condition     = var.empty == 1
    error_message = ""
  }
}
variable "incomplete" {
  default = 1
  validation {}
}
variable "fails" {
  default = "a"
  validation {
    condition     = parseint(var.fails, 10) > 1
    error_message = "x"
  }
}
job "j" {}
