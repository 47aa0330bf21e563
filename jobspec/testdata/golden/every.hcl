# Every block and attribute of a service job outside of the mesh.
job "every" {
  region      = "eu"
  namespace   = "apps"
  type        = "service"
  priority    = 70
  all_at_once = true
  datacenters = ["dc1", "dc*"]
  node_pool   = "gpu"
  meta {
    owner = "team-a"
    tier  = 3
    live  = true
  }

  ui {
    description = "A **job**"
    link {
      label = "Docs"
      url   = "https://example.com/docs"
    }
    link {
      label = "Board"
      url   = "https://example.com/board"
    }
  }

  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }
  constraint {
    distinct_hosts = true
  }
  affinity {
    attribute = "${node.class}"
    operator  = "!="
    value     = "slow"
    weight    = -25
  }
  spread {
    attribute = "${node.datacenter}"
    weight    = 80
    target "dc1" {
      percent = 70
    }
    target "dc2" {
      percent = 30
    }
  }

  update {
    max_parallel      = 2
    health_check      = "task_states"
    min_healthy_time  = "5s"
    healthy_deadline  = "2m"
    progress_deadline = 0
    auto_revert       = true
    auto_promote      = true
    canary            = 1
    stagger           = "20s"
  }
  reschedule {
    attempts       = 3
    interval       = "1h"
    delay          = "10s"
    delay_function = "fibonacci"
    max_delay      = "5m"
    unlimited      = false
  }
  migrate {
    max_parallel     = 3
    health_check     = "checks"
    min_healthy_time = "15s"
    healthy_deadline = "4m"
  }

  group "web" {
    count                        = 2
    shutdown_delay               = "3s"
    max_run_duration             = "2h"
    stop_after_client_disconnect = "1m"
    max_client_disconnect        = "2m"
    prevent_reschedule_on_lost   = true
    meta = {
      "a.b"   = "1"
      "-dash" = 2
    }

    constraint {
      attribute = "${meta.rack}"
      operator  = "is_set"
    }
    affinity {
      attribute = "${meta.rack}"
      value     = "r1"
    }
    spread {
      attribute = "${meta.rack}"
    }

    restart {
      attempts         = 5
      interval         = "10m"
      delay            = "20s"
      mode             = "delay"
      render_templates = true
    }
    disconnect {
      lost_after           = "1h"
      stop_on_client_after = "30m"
      replace              = false
      reconcile            = "keep_original"
    }
    reschedule {
      unlimited = true
    }
    ephemeral_disk {
      size    = 500
      sticky  = true
      migrate = true
    }
    update {
      canary = 2
    }
    migrate {
      max_parallel = 1
    }

    network {
      mode     = "bridge"
      hostname = "h-${NOMAD_ALLOC_INDEX}"
      device   = "eth0"
      cidr     = "10.0.0.0/8"
      ip       = "10.1.2.3"
      mbits    = 10
      port "http" {
        static           = 8080
        to               = 80
        host_network     = "public"
        ignore_collision = true
      }
      port "admin" {
        to = -1
      }
      dns {
        servers  = ["1.1.1.1"]
        searches = ["example.com"]
        options  = ["ndots:2"]
      }
      cni {
        args = { "IgnoreUnknown" = "1" }
      }
    }

    volume "data" {
      type            = "csi"
      source          = "data-vol"
      read_only       = true
      sticky          = true
      per_alloc       = true
      access_mode     = "single-node-writer"
      attachment_mode = "file-system"
      mount_options {
        fs_type     = "ext4"
        mount_flags = ["noatime"]
      }
    }
    volume "data2" {
      type   = "host"
      source = "first"
    }
    volume "data2" {
      type   = "host"
      source = "last one wins"
    }

    consul {
      namespace = "ns"
      cluster   = "default"
      partition = "part"
    }
    scaling {
      min     = 1
      max     = 9
      enabled = false
      type    = "horizontal"
      policy {
        cooldown = "1m"
        check "cpu" {
          source = "prometheus"
          strategy "target-value" {
            target = 70
          }
        }
      }
    }

    service {
      name                = "web-${TASKGROUP}"
      provider            = "consul"
      port                = "http"
      address_mode        = "auto"
      address             = "example.com"
      tags                = ["a", "b"]
      canary_tags         = ["c"]
      enable_tag_override = true
      task                = "server"
      on_update           = "ignore"
      cluster             = "default"
      kind                = "api-gateway"
      meta {
        k = "v"
      }
      canary_meta {
        ck = "cv"
      }
      tagged_addresses {
        lan = "10.0.0.1"
      }
      weights {
        passing = 5
        warning = 2
      }
      identity {
        aud = ["consul.io"]
        ttl = "1h"
      }
      check_restart {
        limit           = 3
        grace           = "10s"
        ignore_warnings = true
      }
      check {
        name                     = "alive"
        type                     = "http"
        interval                 = "10s"
        timeout                  = "2s"
        path                     = "/health"
        method                   = "POST"
        protocol                 = "https"
        body                     = "{}"
        port                     = "http"
        address_mode             = "host"
        expose                   = true
        advertise                = "1.2.3.4"
        command                  = "/bin/check"
        args                     = ["-v"]
        task                     = "server"
        initial_status           = "passing"
        notes                    = "n"
        tls_server_name          = "example.com"
        tls_skip_verify          = true
        grpc_service             = "svc"
        grpc_use_tls             = true
        success_before_passing   = 1
        failures_before_critical = 2
        failures_before_warning  = 3
        on_update                = "ignore_warnings"
        header {
          Accept = ["text/plain", "text/html"]
        }
        check_restart {
          limit = 1
        }
      }
    }

    task "server" {
      driver         = "raw_exec"
      user           = "nobody"
      leader         = true
      kill_timeout   = "25s"
      kill_signal    = "SIGTERM"
      shutdown_delay = "1s"
      kind           = "connect-proxy:web"
      config {
        command = "/bin/sh"
      }
      env {
        FOO = "bar"
        NUM = 3
        YES = true
      }
      meta {
        m = "1"
      }
      lifecycle {
        hook    = "poststart"
        sidecar = true
      }
      constraint {
        attribute = "${attr.cpu.arch}"
        operator  = "set_contains_any"
        value     = "amd64,arm64"
      }
      affinity {
        attribute = "${attr.cpu.arch}"
        value     = "arm64"
        weight    = 12.9
      }
      restart {
        attempts = 0
      }
      logs {
        max_files     = 3
        max_file_size = 15
        disabled      = true
        enabled       = false
      }
      resources {
        cpu        = 200
        cores      = 2
        memory     = 256
        memory_max = 512
        secrets    = 4
        disk       = 100
        iops       = 10
        network {
          mbits = 1
          port "legacy" {
            static = 4000
          }
        }
        device "nvidia/gpu" {
          count = 2
          constraint {
            attribute = "${device.attr.memory}"
            operator  = ">="
            value     = "2 GiB"
          }
          affinity {
            attribute = "${device.model}"
            value     = "Tesla"
          }
        }
        numa {
          affinity = "prefer"
          devices  = ["nvidia/gpu"]
        }
      }
      artifact {
        source      = "https://example.com/a.tgz"
        destination = "local/a"
        mode        = "file"
        insecure    = true
        chown       = true
        options {
          checksum = "md5:0123"
        }
        headers {
          X-Token = "t"
        }
      }
      template {
        source               = "local/in.tpl"
        data                 = "x"
        destination          = "local/out"
        change_mode          = "script"
        change_signal        = "SIGUSR1"
        env                  = true
        once                 = true
        splay                = "1s"
        perms                = "0600"
        uid                  = 1000
        gid                  = 1001
        left_delimiter       = "[["
        right_delimiter      = "]]"
        error_on_missing_key = true
        vault_grace          = "5s"
        change_script {
          command             = "/bin/reload"
          args                = ["-f"]
          timeout             = "9s"
          fail_on_error       = true
          run_on_first_render = true
        }
        wait {
          min = "1s"
          max = "2s"
        }
      }
      template {
        data        = "defaults"
        destination = "local/defaults"
      }
      vault {
        policies               = ["p"]
        role                   = "r"
        namespace              = "n"
        cluster                = "default"
        env                    = false
        disable_file           = true
        change_mode            = "signal"
        change_signal          = "SIGUSR2"
        allow_token_expiration = true
      }
      consul {
        cluster = "default"
      }
      dispatch_payload {
        file = "in.json"
      }
      volume_mount {
        volume           = "data"
        destination      = "/data"
        read_only        = true
        propagation_mode = "host-to-task"
        selinux_label    = "Z"
      }
      csi_plugin {
        id                     = "plug"
        type                   = "node"
        mount_dir              = "/csi"
        stage_publish_base_dir = "/stage"
        health_timeout         = "40s"
      }
      scaling "cpu" {
        min     = 100
        max     = 500
        enabled = true
        policy {
          a = 1
        }
      }
      scaling "mem" {
        max = 1024
      }
      identity {
        name          = "aws"
        aud           = ["sts"]
        env           = true
        file          = true
        filepath      = "local/id.jwt"
        change_mode   = "signal"
        change_signal = "SIGHUP"
        ttl           = "30m"
        service_name  = "web"
        extra_claims  = ["team"]
      }
      identity {
        env = true
      }
      secret "db" {
        provider = "vault"
        path     = "secret/db"
        config {
          engine = "kv_v2"
        }
        env {
          A = "b"
        }
      }
      service {
        port         = "9000"
        address_mode = "driver"
      }
      action "hello" {
        command = "/bin/echo"
        args    = ["hi"]
      }
      schedule {
        cron {
          start    = "0 9 * * * *"
          end      = "0 17"
          timezone = "Europe/Berlin"
        }
      }
    }
  }
}
