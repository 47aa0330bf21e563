{
  "//": "HCL-JSON: the same language in another syntax.",
  "variable": {
    "image": { "type": "string", "default": "redis" },
    "ports": { "type": "list(number)", "default": [80, 443] }
  },
  "locals": { "tag": "${var.image}:${upper(\"v\")}1" },
  "job": {
    "json": {
      "type": "batch",
      "meta": { "a.b": "x", "n": 3 },
      "constraint": [
        { "attribute": "${attr.kernel.name}", "value": "linux" },
        { "distinct_hosts": true }
      ],
      "group": {
        "g": {
          "count": "${length(var.ports)}",
          "network": { "port": { "http": { "static": 80 }, "admin": {} } },
          "dynamic": {
            "service": {
              "for_each": "${var.ports}",
              "iterator": "p",
              "content": { "name": "svc-${p.value}", "port": "${p.value}" }
            }
          },
          "task": {
            "t": [
              {
                "driver": "docker",
                "env": { "A B": "${NOMAD_ALLOC_ID}", "meta": "${meta[\"a-b\"]}" },
                "config": {
                  "image": "${local.tag}",
                  "object": { "k": { "n": 1.5 } },
                  "list": [1, { "a": null }],
                  "runtime": "${ node.class }"
                },
                "template": [
                  { "data": "{{ key }}", "destination": "local/x" }
                ]
              }
            ]
          }
        }
      }
    }
  }
}
