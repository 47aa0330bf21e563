job "shell" {
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "sh"
        args = ["-c", <<EOT
echo ${#list[@]}
echo ${path//a/b}
EOT
        ]
      }
    }
  }
}
