// SPDX-License-Identifier: MPL-2.0

/** A service of raw_exec that writes to both its logs. */
export const service = (id: string, count = 2, message = 'hello') => `
job "${id}" {
  meta {
    owner = "e2e"
  }
  group "web" {
    count = ${count}
    update {
      health_check     = "task_states"
      min_healthy_time = "200ms"
    }
    network {
      port "http" {}
    }
    task "server" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "i=0; while true; do i=$((i+1)); echo \\"${message} $i\\"; echo \\"warn $i\\" >&2; sleep 1; done"]
      }
      resources {
        cpu    = 50
        memory = 32
      }
    }
    task "init" {
      lifecycle {
        hook = "prestart"
      }
      driver = "raw_exec"
      config {
        command = "/bin/echo"
        args    = ["prepared"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
`;

/** A service that no client can take. */
export const unplaceable = (id: string) => `
job "${id}" {
  group "db" {
    count = 2
    constraint {
      attribute = "\${attr.kernel.name}"
      value     = "plan9"
    }
    task "db" {
      driver = "raw_exec"
      config {
        command = "/bin/true"
      }
    }
  }
  group "cache" {
    task "cache" {
      driver = "raw_exec"
      config {
        command = "/bin/true"
      }
      resources {
        memory = 99999999
      }
    }
  }
}
`;

/** A batch job that fails. */
export const failing = (id: string) => `
job "${id}" {
  type = "batch"
  group "work" {
    restart {
      attempts = 1
      delay    = "1s"
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }
    task "work" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "echo giving up >&2; exit 3"]
      }
    }
  }
}
`;

/** A job that waits to be dispatched. */
export const parameterized = (id: string) => `
job "${id}" {
  type = "batch"
  parameterized {
    payload       = "optional"
    meta_required = ["who"]
  }
  group "work" {
    task "work" {
      driver = "raw_exec"
      config {
        command = "/bin/echo"
        args    = ["hello", "\${NOMAD_META_who}"]
      }
    }
  }
}
`;

/** A job that is launched once a year. */
export const periodic = (id: string) => `
job "${id}" {
  type = "batch"
  periodic {
    crons = ["0 0 1 1 *"]
  }
  group "work" {
    task "work" {
      driver = "raw_exec"
      config {
        command = "/bin/true"
      }
    }
  }
}
`;

/** A service whose changes begin with one canary, which waits to be promoted. */
export const canary = (id: string, message = 'first') => `
job "${id}" {
  group "web" {
    count = 2
    update {
      canary           = 1
      health_check     = "task_states"
      min_healthy_time = "500ms"
    }
    task "server" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "echo ${message}; sleep 1000"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
`;

/** A service that others find by name, with a check that succeeds and one that does not. */
export const served = (id: string) => `
job "${id}" {
  group "web" {
    count = 2
    network {
      port "http" {}
    }
    update {
      health_check     = "task_states"
      min_healthy_time = "200ms"
    }
    service {
      name     = "\${JOB}-http"
      port     = "http"
      provider = "nomad"
      tags     = ["blue", "v1"]
      check {
        name     = "answers"
        type     = "tcp"
        interval = "2s"
        timeout  = "1s"
      }
      check {
        name     = "page"
        type     = "http"
        path     = "/missing"
        interval = "2s"
        timeout  = "1s"
      }
    }
    task "server" {
      driver = "raw_exec"
      config {
        command = "/usr/bin/env"
        args    = ["node", "-e", "require('http').createServer((q, r) => { r.statusCode = 404; r.end('<b>not here</b>') }).listen(process.env.NOMAD_PORT_http)"]
      }
      resources {
        cpu    = 50
        memory = 64
      }
    }
  }
}
`;

/** A service of one allocation that wants so many megabytes, and does nothing with them. */
export const greedy = (id: string, priority: number, megabytes: number) => `
job "${id}" {
  priority = ${priority}
  group "g" {
    task "sleeper" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["1000"]
      }
      resources {
        cpu    = 20
        memory = ${megabytes}
      }
    }
  }
}
`;
