job "user-and-cores" {
  type = "batch"

  group "g" {
    task "t" {
      driver = "raw_exec"
      user   = "nobody"

      config {
        command = "/bin/sh"
        args = ["-c", <<-EOT
          id -un > "$NOMAD_ALLOC_DIR/data/user"
          df -Pk "$NOMAD_SECRETS_DIR" | awk 'NR == 2 { print $2, $6 == ENVIRON["NOMAD_SECRETS_DIR"] }' > "$NOMAD_ALLOC_DIR/data/secrets"
          [ -n "$NOMAD_CPU_CORES" ] && [ "$NOMAD_CPU_LIMIT" -gt 0 ] && touch "$NOMAD_TASK_DIR/mine"
        EOT
        ]
      }

      resources {
        cores   = 1
        secrets = 3
      }
    }
  }
}
