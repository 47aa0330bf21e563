// SPDX-License-Identifier: MPL-2.0

// The jobs of the pictures, which look like those that people have.

const raw = (name: string, script: string, memory: number, rest = '') => `
    task "${name}" {
      driver = "raw_exec"
      ${rest}
      config {
        command = "/bin/sh"
        args    = ["-c", ${JSON.stringify(script).replaceAll('${', '$${')}]
      }
      resources {
        cpu    = 50
        memory = ${memory}
      }
    }`;

const server = `let n = 0;
const http = require('http');
const say = (t) => console.log(new Date().toISOString() + ' ' + t);
http.createServer((q, r) => { say('INFO ' + q.method + ' ' + q.url + ' 200'); r.end('ok'); }).listen(process.env.NOMAD_PORT_http);
setInterval(() => { for (let i = 0; i < 2e5; i++) n += i; say('\\\\x1b[32mINFO\\\\x1b[0m invoice ' + Math.floor(Math.random() * 9999)); }, 700);`;

export const shop = (version: number) => `
job "shop" {
  priority = 70
  ui {
    description = "The shop: web, cache and a worker."
    link {
      label = "Runbook"
      url   = "https://example.com/runbook"
    }
  }
  meta {
    team = "checkout"
  }
  group "web" {
    count = 3
    network {
      port "http" {}
    }
    update {
      max_parallel     = 3
      min_healthy_time = "200ms"
    }
    service {
      name     = "shop-web"
      port     = "http"
      provider = "nomad"
      check {
        type     = "http"
        path     = "/"
        interval = "3s"
        timeout  = "2s"
      }
    }
    ${raw('migrate', 'echo schema is up to date', 16, 'lifecycle {\n hook = "prestart"\n }')}
    ${raw('shipper', 'while true; do echo shipped; sleep 2; done', 16, 'lifecycle {\n hook = "prestart"\n sidecar = true\n }')}
    task "server" {
      driver = "raw_exec"
      env {
        VERSION = "${version}"
      }
      config {
        command = "/usr/bin/env"
        args    = ["node", "-e", ${JSON.stringify(server.replaceAll('\\\\x1b', '\\x1b')).replaceAll('${', '$${')}]
      }
      resources {
        cpu    = 150
        memory = 96
      }
    }
  }
  group "cache" {
    count = 2
    ${raw('cache', 'while true; do echo evicted; sleep 3; done', 32)}
  }
}
`;

export const training = `
job "ml-training" {
  group "gpu" {
    count = 2
    constraint {
      attribute = "\${attr.kernel.name}"
      value     = "plan9"
    }
    ${raw('train', 'true', 300)}
  }
  group "big" {
    ${raw('cache', 'true', 999999)}
  }
}
`;

export const billing = `
job "billing" {
  group "api" {
    restart {
      attempts = 1
      interval = "5m"
      delay    = "1s"
      mode     = "fail"
    }
    reschedule {
      delay = "10m"
    }
    ${raw('api', 'echo no database >&2; exit 3', 32)}
  }
}
`;

export const gateway = (count: number, version: number) => `
job "gateway" {
  group "edge" {
    count = ${count}
    update {
      canary           = 1
      health_check     = "task_states"
      min_healthy_time = "200ms"
    }
    ${raw('proxy', `echo v${version}; sleep 100000`, 32)}
  }
}
`;

export const storefront = `
job "storefront" {
  group "web" {
    count = 12
    update {
      max_parallel = 0
    }
    ${raw('server', 'i=$NOMAD_ALLOC_INDEX; while true; do i=$(((i*7+5)%1000)); echo "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ) GET /product/$i 200 $((i%90+9))ms"; sleep 1.$((i%10)); done', 16)}
  }
}
`;

export const worker = `
job "worker" {
  group "worker" {
    restart {
      attempts = 4
      interval = "5m"
      delay    = "2s"
      mode     = "fail"
    }
    reschedule {
      delay = "10m"
    }
    ${raw('worker', 'sleep 2; exit 1', 32)}
  }
}
`;

export const greeter = (image: string) => `
job "greeter" {
  group "g" {
    network {
      port "web" {}
    }
    task "hello" {
      driver = "docker"
      config {
        image   = "${image}"
        command = "/bin/sh"
        args    = ["-c", "i=0; while true; do i=$((i+1)); echo hello from a container $i; sleep 1; done"]
      }
      resources {
        cpu    = 50
        memory = 32
      }
    }
  }
}
`;

const teams = ['billing', 'catalog', 'cart', 'email', 'fraud', 'identity', 'ledger', 'media', 'ml', 'orders', 'payments', 'pricing', 'reports', 'search', 'shipping', 'stock'];
const parts = ['api', 'cache', 'db', 'events', 'gateway', 'import', 'index', 'proxy', 'report', 'web', 'worker'];

/** The job that the topology shows. */
export const named = 'orders-api';

/** Jobs of many teams, for simulated clients. */
export function many(): string[] {
  return teams.flatMap((team) =>
    parts.map((part, i) => {
      const batch = ['import', 'index', 'report'].includes(part);
      const groups = part === 'web' ? ['front', 'back', 'assets'] : [part];
      const group = (name: string) => `
  group "${name}" {
    count = ${batch ? 1 : `${team}-${part}` === named ? 10 : 2 + ((team.length + i) % 5)}
    ${batch ? '' : 'update {\n      max_parallel = 0\n    }'}
    task "${name}" {
      driver = "mock_driver"
      ${batch && part !== 'index' ? 'config {\n        run_for = "1s"\n      }' : ''}
      resources {
        cpu    = 400
        memory = ${`${team}-${part}` === 'fraud-worker' ? 999999 : 512}
      }
    }
  }`;
      return `job "${team}-${part}" {\n  type = "${batch ? 'batch' : 'service'}"${groups.map(group).join('')}\n}\n`;
    }),
  );
}
