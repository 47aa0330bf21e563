job "mesh" {
  group "api" {
    service {
      name = "api"
      port = 9001
      connect {
        native = true
        sidecar_service {
          tags                      = ["t"]
          port                      = "proxy"
          disable_default_tcp_check = true
          meta {
            m = "1"
          }
          proxy {
            local_service_address = "127.0.0.1"
            local_service_port    = 9001
            config {
              protocol = "http"
              limits {
                max = 3
              }
            }
            upstreams {
              destination_name        = "db"
              destination_namespace   = "ns"
              destination_peer        = "peer"
              destination_partition   = "part"
              destination_type        = "service"
              local_bind_port         = 5432
              local_bind_address      = "127.0.0.1"
              local_bind_socket_path  = "/tmp/s"
              local_bind_socket_mode  = "0600"
              datacenter              = "dc1"
              mesh_gateway {
                mode = "local"
              }
              config {
                connect_timeout_ms = 5000
              }
            }
            upstreams {
              destination_name = "cache"
              local_bind_port  = 6379
            }
            expose {
              path {
                path            = "/metrics"
                protocol        = "http"
                local_path_port = 9102
                listener_port   = "metrics"
              }
            }
            transparent_proxy {
              uid                    = "101"
              outbound_port          = 15001
              exclude_inbound_ports  = ["8080", "ssh"]
              exclude_outbound_ports = [443, 8443]
              exclude_outbound_cidrs = ["10.0.0.0/8"]
              exclude_uids           = ["1"]
              no_dns                 = true
            }
          }
        }
        sidecar_task {
          name           = "proxy"
          driver         = "docker"
          user           = "u"
          kill_timeout   = "7s"
          shutdown_delay = "2s"
          kill_signal    = "SIGINT"
          config {
            image = "envoy:v1"
          }
          env {
            A = "b"
          }
          meta {
            k = "v"
          }
          resources {
            cpu = 500
          }
          logs {
            max_files = 1
          }
          volume_mount {
            volume      = "v"
            destination = "/v"
          }
          identity {
            name = "proxy"
            aud  = ["a"]
          }
        }
      }
    }
    service {
      connect {
        gateway {
          proxy {
            connect_timeout                     = "3s"
            envoy_gateway_bind_tagged_addresses = true
            envoy_gateway_no_default_bind       = true
            envoy_dns_discovery_type            = "STRICT_DNS"
            envoy_gateway_bind_addresses "lan" {
              address = "10.0.0.1"
              port    = 8443
            }
            envoy_gateway_bind_addresses "wan" {
              address = "1.2.3.4"
              port    = 8444
            }
            config {
              x = 1
            }
          }
          ingress {
            tls {
              enabled         = true
              tls_min_version = "TLSv1_2"
              tls_max_version = "TLSv1_3"
              cipher_suites   = ["A"]
              sds {
                cluster_name  = "c"
                cert_resource = "r"
              }
            }
            listener {
              port     = 8080
              protocol = "http"
              service {
                name                    = "web"
                hosts                   = ["a.example.com"]
                max_connections         = 1
                max_pending_requests    = 2
                max_concurrent_requests = 3
                tls {
                  enabled = true
                }
                request_headers {
                  add = {
                    "X-A" = "1"
                  }
                  set {
                    b = "2"
                  }
                  remove = ["X-C"]
                }
                response_headers {
                  remove = ["Server"]
                }
              }
            }
          }
          terminating {
            service {
              name      = "legacy"
              ca_file   = "ca.pem"
              cert_file = "cert.pem"
              key_file  = "key.pem"
              sni       = "legacy.example.com"
            }
          }
          mesh {}
        }
      }
    }
    task "t" {
      driver = "docker"
    }
  }
}
