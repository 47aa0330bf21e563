# A task without a group, an ID that needs escaping, template directives and functions.
job "shortcuts" {
  id   = "team/shortcuts-1"
  name = "Short Cuts"
  type = "batch"

  task "solo" {
    driver = "raw_exec"

    config {
      command = "/bin/sh"
      args    = ["-c", "(%{ for x in reverse("ba") == "ab" ? split(",", "a,b") : [] }echo ${x};%{ endfor } echo $NOMAD_ALLOC_NAME, $NOMAD_JOB_NAME) > $NOMAD_ALLOC_DIR/data/out"]
    }
  }
}
