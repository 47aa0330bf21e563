# A batch job: asks the web service and ends.

variable "urls" {
  description = "Addresses of the running instances"
  type        = list(string)
}

variable "binary" {
  description = "Path of the built demo web service; with arguments it is a small HTTP client"
  type        = string
}

job "report" {
  type = "batch"

  group "report" {
    reschedule {
      attempts = 0
    }

    task "ask" {
      driver = "raw_exec"

      config {
        command = var.binary
        args    = var.urls
      }

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
