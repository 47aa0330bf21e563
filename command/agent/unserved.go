// SPDX-License-Identifier: MPL-2.0

package agent

import "slices"

// unservedKeys are the keys of the contract (agent-config.md) that nothing acts on yet, by their place in a
// configuration file. Setting one is an error that names it, unless the value is one of those listed, which ask for
// nothing that does not happen anyhow; "*" stands for every value. Making a key work gives it a field in Config, which
// comes first, and removes its line here.
var unservedKeys = map[string][]string{
	"disable_update_check":        {"*"}, // nothing is ever checked
	"disable_anonymous_signature": {"*"},

	"eventlog.enabled": {"false"},
	"eventlog.level":   {"*"}, // of a log that is off

	"tls.http":                   {"false"},
	"tls.rpc":                    {"false"},
	"tls.ca_file":                {"*"}, // these count with http or rpc only
	"tls.cert_file":              {"*"},
	"tls.key_file":               {"*"},
	"tls.verify_server_hostname": {"*"},
	"tls.verify_https_client":    {"*"},
	"tls.rpc_upgrade_mode":       {"*"},
	"tls.tls_cipher_suites":      {"*"},
	"tls.tls_min_version":        {"*"},

	"acl.enabled":                  {"false"},
	"acl.token_ttl":                {"*"}, // these count with enabled only
	"acl.policy_ttl":               {"*"},
	"acl.role_ttl":                 {"*"},
	"acl.replication_token":        {"*"},
	"acl.token_min_expiration_ttl": {"*"},
	"acl.token_max_expiration_ttl": {"*"},

	"rpc.accept_backlog":       {"256"},
	"rpc.stream_open_timeout":  {"75s"},
	"rpc.stream_close_timeout": {"5m"},

	"limits.https_handshake_timeout": {"*"}, // of TLS, which is off

	"consul":   nil,
	"keyring":  nil,
	"sentinel": nil,

	"vault.enabled":               {"false"},
	"vault.name":                  {"*"}, // these count with enabled only
	"vault.address":               {"*"},
	"vault.namespace":             {"*"},
	"vault.create_from_role":      {"*"},
	"vault.jwt_auth_backend_path": {"*"},
	"vault.ca_file":               {"*"},
	"vault.ca_path":               {"*"},
	"vault.cert_file":             {"*"},
	"vault.key_file":              {"*"},
	"vault.tls_skip_verify":       {"*"},
	"vault.tls_server_name":       {"*"},
	"vault.default_identity":      {"*"},

	"audit": {"*"}, // the contract reads and ignores it

	"reporting.license":                         {"*"}, // of the incumbent's commercial edition; nothing is reported
	"reporting.address":                         {"*"},
	"reporting.export_interval":                 {"*"},
	"reporting.snapshot_retention_time":         {"*"},
	"reporting.disable_product_usage_reporting": {"*"},

	"ui.consul": nil,
	"ui.vault":  nil,

	"autopilot.enable_redundancy_zones":   {"false"},
	"autopilot.disable_upgrade_migration": {"*"}, // there is no such migration
	"autopilot.enable_custom_upgrades":    {"false"},

	"telemetry.disable_dispatched_job_summary_metrics": {"*"}, // there are no such metrics
	"telemetry.disable_quota_utilization_metrics":      {"*"}, // there are no quotas
	"telemetry.disable_rpc_rate_metrics_labels":        {"*"}, // there are no such metrics
	"telemetry.disable_allocation_hook_metrics":        {"*"},
	"telemetry.circonus_api_token":                     nil,
	"telemetry.circonus_api_app":                       nil,
	"telemetry.circonus_api_url":                       nil,
	"telemetry.circonus_submission_interval":           nil,
	"telemetry.circonus_submission_url":                nil,
	"telemetry.circonus_check_id":                      nil,
	"telemetry.circonus_check_force_metric_activation": nil,
	"telemetry.circonus_check_instance_id":             nil,
	"telemetry.circonus_check_search_tag":              nil,
	"telemetry.circonus_check_tags":                    nil,
	"telemetry.circonus_check_display_name":            nil,
	"telemetry.circonus_broker_id":                     nil,
	"telemetry.circonus_broker_select_tag":             nil,

	"server.protocol_version":              {"*"}, // deprecated, without effect in the contract too
	"server.csi_volume_claim_gc_interval":  nil,
	"server.csi_volume_claim_gc_threshold": nil,
	"server.csi_plugin_gc_threshold":       nil,
	"server.acl_token_gc_threshold":        nil,
	"server.root_key_gc_interval":          nil,
	"server.root_key_gc_threshold":         nil,
	"server.root_key_rotation_threshold":   nil,
	"server.non_voting_server":             {"false"},
	"server.redundancy_zone":               {""},
	"server.upgrade_version":               {""},
	"server.license_path":                  {""},
	"server.plan_apply_pipeline":           {"1"},
	"server.deploy_query_rate_limit":       {"*"}, // deployments are followed without queries
	"server.oidc_issuer":                   {""},
	"server.start_timeout":                 {"*"}, // there is no key ring to wait for
	"server.log_file":                      {""},
	"server.client_introduction":           nil,

	"server.raft_logstore.backend":               {"boltdb"},
	"server.raft_logstore.wal":                   {"*"}, // counts with that backend only
	"server.raft_logstore.verification.enabled":  {"false"},
	"server.raft_logstore.verification.interval": {"*"},

	"client.alloc_mounts_dir":                      nil,
	"client.host_volumes_dir":                      nil,
	"client.host_volume_plugin_dir":                nil,
	"client.common_plugin_dir":                     nil,
	"client.cpu_disable_dmidecode":                 {"*"}, // it is never asked
	"client.disk_free_mb":                          {"0"},
	"client.gc_volumes_on_node_gc":                 {"false"},
	"client.log_file":                              {""},
	"client.template.consul_retry":                 {"*"}, // of Consul and Vault, which are not supported
	"client.template.vault_retry":                  {"*"},
	"client.template.vault_default_lease_duration": {"*"},
	"client.template.use_client_consul_token":      {"false"},
	"client.users":                                 nil,
	"client.fingerprint":                           nil,
}

// accepts says whether an unserved key may be set to the value.
func accepts(key, value string) bool {
	values := unservedKeys[key]
	return slices.Contains(values, "*") || slices.Contains(values, value)
}
