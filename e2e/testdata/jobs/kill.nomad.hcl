job "kill" {
  group "g" {
    shutdown_delay = "200ms"

    task "term" {
      driver         = "raw_exec"
      kill_signal    = "SIGTERM"
      kill_timeout   = "20s"
      shutdown_delay = "200ms"

      config {
        command = "/bin/sh"
        args    = ["-c", "trap 'echo got-term > $NOMAD_ALLOC_DIR/data/said; exit 3' TERM; touch $NOMAD_ALLOC_DIR/data/ready; while :; do sleep 0.1; done"]
      }
    }

    task "stuck" {
      driver       = "raw_exec"
      kill_timeout = "300ms"

      config {
        command = "/bin/sh"
        args    = ["-c", "trap '' INT; while :; do sleep 0.1; done"]
      }
    }
  }
}
