job "logs" {
  type = "batch"

  group "g" {
    ephemeral_disk {
      size = 200
    }

    task "loud" {
      driver = "raw_exec"

      logs {
        max_files     = 2
        max_file_size = 1
      }

      config {
        command = "/bin/sh"
        args    = ["-c", "i=0; while [ $i -lt 40000 ]; do echo $i xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; i=$((i+1)); done; echo last"]
      }
    }

    task "quiet" {
      driver = "raw_exec"

      logs {
        disabled = true
      }

      config {
        command = "echo"
        args    = ["unheard"]
      }
    }
  }
}
