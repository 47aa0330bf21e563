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
          [ -n "$NOMAD_CPU_CORES" ] && [ "$NOMAD_CPU_LIMIT" -gt 0 ] && touch "$NOMAD_TASK_DIR/mine"
        EOT
        ]
      }

      resources {
        cores = 1
      }
    }
  }
}
