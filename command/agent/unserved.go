// SPDX-License-Identifier: MPL-2.0

package agent

import "slices"

// unservedKey is a key that nothing acts on: the values that may be given all the same, because they ask for nothing
// that does not happen anyhow, "*" for every value, and the reason.
type unservedKey struct {
	accepts []string
	why     string
}

// unservedKeys are the keys of the contract (agent-config.md) that nothing acts on yet, by their place in a
// configuration file. Setting one to a value that it does not accept is an error that names it. Making a key work gives it
// a field in Config and removes its line here.
var unservedKeys = map[string]unservedKey{
	"eventlog.enabled": {[]string{"false"}, "this version writes no event log of Windows"},
	"eventlog.level":   {[]string{"*"}, "counts with eventlog.enabled only"},

	"tls.http":                   {[]string{"false"}, "agents do not speak TLS yet"},
	"tls.rpc":                    {[]string{"false"}, "agents do not speak TLS yet"},
	"tls.ca_file":                {[]string{"*"}, "counts with TLS only"},
	"tls.cert_file":              {[]string{"*"}, "counts with TLS only"},
	"tls.key_file":               {[]string{"*"}, "counts with TLS only"},
	"tls.verify_server_hostname": {[]string{"*"}, "counts with TLS only"},
	"tls.verify_https_client":    {[]string{"*"}, "counts with TLS only"},
	"tls.rpc_upgrade_mode":       {[]string{"*"}, "counts with TLS only"},
	"tls.tls_cipher_suites":      {[]string{"*"}, "counts with TLS only"},
	"tls.tls_min_version":        {[]string{"*"}, "counts with TLS only"},

	"acl.enabled":                  {[]string{"false"}, "access control is not part of this version"},
	"acl.token_ttl":                {[]string{"*"}, "counts with access control only"},
	"acl.policy_ttl":               {[]string{"*"}, "counts with access control only"},
	"acl.role_ttl":                 {[]string{"*"}, "counts with access control only"},
	"acl.replication_token":        {[]string{"*"}, "counts with access control only"},
	"acl.token_min_expiration_ttl": {[]string{"*"}, "counts with access control only"},
	"acl.token_max_expiration_ttl": {[]string{"*"}, "counts with access control only"},

	"rpc.accept_backlog":       {[]string{"*"}, "connections between agents are HTTP/2, where streams are neither queued nor acknowledged one by one"},
	"rpc.stream_open_timeout":  {[]string{"*"}, "connections between agents are HTTP/2, where streams are neither queued nor acknowledged one by one"},
	"rpc.stream_close_timeout": {[]string{"*"}, "connections between agents are HTTP/2, where streams are neither queued nor acknowledged one by one"},

	"limits.https_handshake_timeout": {[]string{"*"}, "counts with TLS only"},

	"consul":   {nil, "this version does not work with Consul: agents find each other by server_join, jobs register services with provider = \"nomad\""},
	"keyring":  {nil, "there is no key ring: nothing is encrypted or signed with one"},
	"sentinel": {nil, "belongs to the commercial edition"},

	"vault.enabled":               {[]string{"false"}, "this version does not work with Vault"},
	"vault.name":                  {[]string{"*"}, "counts with vault.enabled only"},
	"vault.address":               {[]string{"*"}, "counts with vault.enabled only"},
	"vault.namespace":             {[]string{"*"}, "counts with vault.enabled only"},
	"vault.create_from_role":      {[]string{"*"}, "counts with vault.enabled only"},
	"vault.jwt_auth_backend_path": {[]string{"*"}, "counts with vault.enabled only"},
	"vault.ca_file":               {[]string{"*"}, "counts with vault.enabled only"},
	"vault.ca_path":               {[]string{"*"}, "counts with vault.enabled only"},
	"vault.cert_file":             {[]string{"*"}, "counts with vault.enabled only"},
	"vault.key_file":              {[]string{"*"}, "counts with vault.enabled only"},
	"vault.tls_skip_verify":       {[]string{"*"}, "counts with vault.enabled only"},
	"vault.tls_server_name":       {[]string{"*"}, "counts with vault.enabled only"},
	"vault.default_identity":      {[]string{"*"}, "counts with vault.enabled only"},

	"audit": {[]string{"*"}, "belongs to the commercial edition; the contract reads and ignores it too"},

	"reporting.license":                         {[]string{"*"}, "nothing is ever reported to anybody"},
	"reporting.address":                         {[]string{"*"}, "nothing is ever reported to anybody"},
	"reporting.export_interval":                 {[]string{"*"}, "nothing is ever reported to anybody"},
	"reporting.snapshot_retention_time":         {[]string{"*"}, "nothing is ever reported to anybody"},
	"reporting.disable_product_usage_reporting": {[]string{"*"}, "nothing is ever reported to anybody"},

	"ui.consul": {[]string{"*"}, "the web interface has no links to that product"},
	"ui.vault":  {[]string{"*"}, "the web interface has no links to that product"},

	"autopilot.enable_redundancy_zones":   {[]string{"false"}, "belongs to the commercial edition"},
	"autopilot.disable_upgrade_migration": {[]string{"*"}, "there is no such migration"},
	"autopilot.enable_custom_upgrades":    {[]string{"false"}, "belongs to the commercial edition"},

	"telemetry.disable_quota_utilization_metrics":      {[]string{"*"}, "there are no quotas"},
	"telemetry.disable_rpc_rate_metrics_labels":        {[]string{"*"}, "there are no such metrics"},
	"telemetry.circonus_api_token":                     {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},
	"telemetry.circonus_api_app":                       {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},
	"telemetry.circonus_api_url":                       {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},
	"telemetry.circonus_submission_interval":           {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},
	"telemetry.circonus_submission_url":                {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},
	"telemetry.circonus_check_id":                      {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},
	"telemetry.circonus_check_force_metric_activation": {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},
	"telemetry.circonus_check_instance_id":             {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},
	"telemetry.circonus_check_search_tag":              {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},
	"telemetry.circonus_check_tags":                    {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},
	"telemetry.circonus_check_display_name":            {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},
	"telemetry.circonus_broker_id":                     {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},
	"telemetry.circonus_broker_select_tag":             {nil, "metrics are not sent to Circonus; statsd, statsite, Datadog and Prometheus are there"},

	"server.protocol_version":                         {[]string{"*"}, "deprecated, without effect in the contract too"},
	"server.csi_volume_claim_gc_interval":             {[]string{"*"}, "there are no CSI volumes"},
	"server.csi_volume_claim_gc_threshold":            {[]string{"*"}, "there are no CSI volumes"},
	"server.csi_plugin_gc_threshold":                  {[]string{"*"}, "there are no CSI volumes"},
	"server.acl_token_gc_threshold":                   {[]string{"*"}, "there are no tokens"},
	"server.root_key_gc_interval":                     {[]string{"*"}, "there is no root key ring"},
	"server.root_key_gc_threshold":                    {[]string{"*"}, "there is no root key ring"},
	"server.root_key_rotation_threshold":              {[]string{"*"}, "there is no root key ring"},
	"server.non_voting_server":                        {[]string{"false"}, "belongs to the commercial edition"},
	"server.redundancy_zone":                          {[]string{""}, "belongs to the commercial edition"},
	"server.upgrade_version":                          {[]string{""}, "belongs to the commercial edition"},
	"server.license_path":                             {[]string{""}, "belongs to the commercial edition"},
	"server.plan_apply_pipeline":                      {[]string{"*"}, "plans are written one after another"},
	"server.deploy_query_rate_limit":                  {[]string{"*"}, "deployments are followed without queries"},
	"server.oidc_issuer":                              {[]string{""}, "no identities are signed"},
	"server.start_timeout":                            {[]string{"*"}, "there is no key ring to wait for"},
	"server.client_introduction.enforcement":          {[]string{"none", "warn"}, "no identities are signed, so that clients cannot be made to show one"},
	"server.client_introduction.default_identity_ttl": {[]string{"*"}, "no identities are signed"},
	"server.client_introduction.max_identity_ttl":     {[]string{"*"}, "no identities are signed"},

	"server.raft_logstore.backend":               {[]string{"boltdb"}, "there is one kind of store, which checks what it reads"},
	"server.raft_logstore.wal":                   {[]string{"*"}, "counts with that backend only"},
	"server.raft_logstore.verification.enabled":  {[]string{"false"}, "there is one kind of store, which checks what it reads"},
	"server.raft_logstore.verification.interval": {[]string{"*"}, "counts with verification.enabled only"},

	"client.host_volumes_dir":                      {[]string{"*"}, "there are no volumes made through the API"},
	"client.host_volume_plugin_dir":                {[]string{"*"}, "there are no volumes made through the API"},
	"client.common_plugin_dir":                     {[]string{"*"}, "there are no plugins of that kind"},
	"client.cpu_disable_dmidecode":                 {[]string{"*"}, "dmidecode is never asked"},
	"client.disk_free_mb":                          {[]string{"*"}, "what a node offers comes from disk_total_mb, in the contract too"},
	"client.gc_volumes_on_node_gc":                 {[]string{"*"}, "there are no volumes made through the API"},
	"client.template.consul_retry":                 {[]string{"*"}, "this version does not work with Consul"},
	"client.template.vault_retry":                  {[]string{"*"}, "this version does not work with Vault"},
	"client.template.vault_default_lease_duration": {[]string{"*"}, "this version does not work with Vault"},
	"client.template.use_client_consul_token":      {[]string{"false"}, "this version does not work with Consul"},
	"client.fingerprint":                           {nil, "no cloud is asked about the machine, so that there is nothing to ask again"},
}

// accepts says whether an unserved key may be set to the value.
func accepts(key, value string) bool {
	values := unservedKeys[key].accepts
	return slices.Contains(values, "*") || slices.Contains(values, value)
}
