// SPDX-License-Identifier: MPL-2.0

/** A first job that runs anywhere. */
export const example = `job "hello" {
  group "app" {
    count = 2

    network {
      port "http" {}
    }

    task "greeter" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "while true; do echo hello; sleep 2; done"]
      }

      resources {
        cpu    = 50
        memory = 32
      }
    }
  }
}
`;
