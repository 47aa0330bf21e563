# Variables, locals, dynamic blocks and the expression language.
variables {
  short = "x"
  list  = ["a", "b"]
}

variable "sizes" {
  description = "by name"
  type        = map(number)
  default = {
    small = 1
    big   = 10
  }
  validation {
    condition     = length(var.sizes) > 0
    error_message = "some are needed"
  }
}

locals {
  second = "${local.first}-2"
  names  = keys(var.sizes)
}

locals {
  first = upper(var.short)
  conf  = { for k, v in var.sizes : "key-${k}" => v * 2 if v > 1 }
}

job "expr" {
  name = local.second
  meta = merge(local.conf, { # comment
    cond     = var.sizes.big > 5 ? "yes" : "no" // comment
    splat    = join(",", [{ n = "p" }, { n = "q" }][*].n)
    index    = var.list[1]
    escaped  = "$${lit} %%{lit}"
    tmpl     = "%{if true}on%{else}off%{endif}:%{for s in var.list}${s};%{endfor}"
    joined   = "a-${NOMAD_ALLOC_ID}-${local.first}"
    over     = upper("${node.class}")
    fallback = try(var.list[9], "none")
  })
  /* block comment */

  dynamic "group" {
    for_each = var.sizes
    labels   = ["g-${group.key}"]
    content {
      count = group.value
      dynamic "task" {
        for_each = convert(var.list, set(string))
        iterator = it
        labels   = [it.value]
        content {
          driver = "raw_exec"
          user   = "${group.key}/${it.key}/${it.value}"
        }
      }
      task "heredoc" {
        driver = "raw_exec"
        template {
          destination = "local/x"
          data        = <<-EOT
            first ${group.key}
              second {{ env "X" }} ${env["HOME"]}
            ${ node.class }
          EOT
        }
        dynamic "env" {
          for_each = [1]
          content {
            A = "${env.value}"
          }
        }
      }
    }
  }
}
