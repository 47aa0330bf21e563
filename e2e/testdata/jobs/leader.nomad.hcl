# The follower ignores its kill signal and is killed the hard way when the leader ends. The leader leaves the client the
# time to note that the follower has started.
job "leader" {
  type = "batch"

  group "g" {
    task "lead" {
      driver = "raw_exec"
      leader = true

      config {
        command = "/bin/sh"
        args    = ["-c", "until [ -f $NOMAD_ALLOC_DIR/data/ready ]; do sleep 0.05; done; sleep 2"]
      }
    }

    task "follower" {
      driver       = "raw_exec"
      kill_timeout = "300ms"

      config {
        command = "/bin/sh"
        args    = ["-c", "trap '' INT; touch $NOMAD_ALLOC_DIR/data/ready; while :; do sleep 0.1; done"]
      }
    }
  }
}
