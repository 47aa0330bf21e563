# Every key of the configuration that works, but for those that exclude another one of these (see TestEveryKey).
region = "eu"
datacenter = "dc7"
name = "n1"
data_dir = "/var/lib/nomadlike"
plugin_dir = "/var/lib/nomadlike/extra"
bind_addr = "127.0.0.1"
log_level = "WARN"
log_json = true
log_include_location = true
log_file = "/var/log/nomadlike/"
log_rotate_duration = "12h"
log_rotate_bytes = 1048576
log_rotate_max_files = 3
enable_syslog = true
syslog_facility = "LOCAL3"
enable_debug = true
leave_on_interrupt = true
leave_on_terminate = true
disable_update_check = true
disable_anonymous_signature = true

http_api_response_headers {
  X-Where = "eu"
}
ports {
  http = 5646
  rpc = 5647
  serf = 5648
}
addresses {
  http = "127.0.0.1 ::1"
  rpc = "127.0.0.2"
  serf = "127.0.0.3"
}
advertise {
  http = "192.0.2.1"
  rpc = "192.0.2.1:7647"
  serf = "192.0.2.1:7648"
}
server {
  enabled = true
  bootstrap_expect = 3
  data_dir = "/srv/server"
  num_schedulers = 1
  log_file = "server.log"
  enabled_schedulers = ["service", "batch"]
  encrypt = "chGZriZPZr7gZL0n1jdO2QQn8tMk70AiWDVLwngRwOg="
  rejoin_after_leave = true
  server_join {
    retry_join = ["192.0.2.2", "192.0.2.3:4648"]
    retry_max = 3
    retry_interval = "15s"
  }
  node_gc_threshold = "25h"
  job_gc_interval = "6m"
  job_gc_threshold = "5h"
  eval_gc_threshold = "2h"
  batch_eval_gc_threshold = "25h"
  deployment_gc_threshold = "2h"
  heartbeat_grace = "11s"
  min_heartbeat_ttl = "12s"
  failover_heartbeat_ttl = "6m"
  max_heartbeats_per_second = 60.5
  authoritative_region = "us"
  enable_event_broker = true
  event_buffer_size = 200
  job_max_priority = 200
  job_default_priority = 60
  job_max_count = 40000
  job_max_source_size = "2M"
  job_tracked_versions = 7
  raft_protocol = 3
  raft_multiplier = 2
  raft_snapshot_threshold = 9000
  raft_snapshot_interval = "3m"
  raft_trailing_logs = 11000
  raft_logstore {
    disable_log_cache = true
    boltdb {
      no_freelist_sync = true
    }
  }
  default_scheduler_config {
    scheduler_algorithm = "spread"
    memory_oversubscription_enabled = true
    reject_job_registration = true
    pause_eval_broker = true
    node_limit_for_feasibility_checks = 50
    preemption_config {
      system_scheduler_enabled = true
      sysbatch_scheduler_enabled = true
      batch_scheduler_enabled = true
      service_scheduler_enabled = true
    }
  }
  plan_rejection_tracker {
    enabled = true
    node_threshold = 50
    node_window = "4m"
  }
  search {
    fuzzy_enabled = true
    limit_query = 30
    limit_results = 90
    min_term_length = 3
  }
}
client {
  log_file = "client.log"
  enabled = true
  state_dir = "/srv/client"
  alloc_dir = "/srv/alloc"
  alloc_mounts_dir = "/srv/mounts"
  users {
    dynamic_user_min = 70000
    dynamic_user_max = 70099
  }
  servers = ["192.0.2.2:4647"]
  node_class = "big"
  node_pool = "gpu"
  meta {
    rack = "r1"
  }
  options {
    "driver.denylist" = "java"
  }
  chroot_env {
    "/bin" = "/bin"
  }
  network_interface = "lo"
  preferred_address_family = "ipv4"
  network_speed = 1000
  cni_path = "/opt/other/bin"
  cni_config_dir = "/opt/other/config"
  bridge_network_name = "other"
  bridge_network_subnet = "172.27.64.0/20"
  bridge_network_subnet_ipv6 = "fd00::/64"
  bridge_network_hairpin_mode = true
  bind_wildcard_default_host_network = true
  cpu_total_compute = 4000
  memory_total_mb = 8000
  disk_total_mb = 90000
  reservable_cores = "0-1"
  reserved {
    cpu = 100
    cores = "0"
    memory = 200
    disk = 300
    reserved_ports = "22,80-90"
  }
  max_kill_timeout = "45s"
  client_min_port = 15000
  client_max_port = 15512
  min_dynamic_port = 21000
  max_dynamic_port = 31000
  gc_interval = "2m"
  gc_parallel_destroys = 3
  gc_disk_usage_threshold = 81.5
  gc_inode_usage_threshold = 71
  gc_max_allocs = 60
  no_host_uuid = true
  disable_remote_exec = true
  nomad_service_discovery = true
  node_max_allocs = 100
  default_ineligible = true
  cgroup_parent = "other.slice"
  server_join {
    retry_join = ["192.0.2.4"]
    retry_max = 4
    retry_interval = "16s"
  }
  drain_on_shutdown {
    deadline = "2h"
    ignore_system_jobs = true
  }
  host_volume "data" {
    path = "/srv/data"
    read_only = true
  }
  host_network "public" {
    cidr = "192.0.2.0/24"
    interface = "eth1"
    reserved_ports = "22"
  }
  artifact {
    http_read_timeout = "31m"
    http_max_size = "99GB"
    gcs_timeout = "32m"
    git_timeout = "33m"
    hg_timeout = "34m"
    s3_timeout = "35m"
    decompression_size_limit = "98GB"
    decompression_file_count_limit = 4000
    disable_filesystem_isolation = true
    filesystem_isolation_extra_paths = ["f:r:/srv/keys"]
    disable_artifact_inspection = true
    set_environment_variables = "A,B"
  }
  template {
    function_denylist = ["plugin"]
    function_blacklist = ["writeToFile"]
    disable_file_sandbox = true
    max_stale = "1h"
    block_query_wait = "4m"
    wait {
      min = "6s"
      max = "5m"
    }
    wait_bounds {
      min = "7s"
      max = "6m"
    }
    nomad_retry {
      attempts = 11
      backoff = "300ms"
      max_backoff = "2m"
    }
  }
}
telemetry {
  in_memory_collection_interval = "11s"
  in_memory_retention_period = "2m"
  collection_interval = "2s"
  prometheus_metrics = true
  disable_dispatched_job_summary_metrics = true
  disable_allocation_hook_metrics = true
  statsite_address = "127.0.0.1:1"
  statsd_address = "127.0.0.1:2"
  datadog_address = "127.0.0.1:3"
  datadog_tags = ["a:b"]
  disable_hostname = true
  use_node_name = true
  publish_allocation_metrics = true
  publish_node_metrics = true
  include_alloc_metadata_in_metrics = true
  allowed_metadata_keys_in_metrics = ["owner"]
  prefix_filter = ["+nomad.raft", "-nomad"]
  filter_default = true
}
ui {
  enabled = true
  show_cli_hints = true
  label {
    text = "staging"
    background_color = "yellow"
    text_color = "black"
  }
  content_security_policy {
    connect_src = ["*"]
    default_src = ["'none'"]
    form_action = ["'none'"]
    frame_ancestors = ["'none'"]
    img_src = ["'self'"]
    script_src = ["'self'"]
    style_src = ["'self'"]
  }
}
limits {
  http_max_conns_per_client = 200
  rpc_handshake_timeout = "6s"
  rpc_max_conns_per_client = 300
}
rpc {
  dial_timeout = "11s"
  keep_alive_interval = "31s"
  connection_write_timeout = "12s"
}
autopilot {
  cleanup_dead_servers = true
  last_contact_threshold = "300ms"
  max_trailing_logs = 260
  min_quorum = 3
  server_stabilization_time = "11s"
}
plugin "docker" {
  args = ["-x"]
  config {
    allow_privileged = true
  }
}
