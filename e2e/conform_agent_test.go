// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
)

// named checks that nothing in a configuration has another name than in the recorded one. What does not exist here is left
// out there; the product's own version is an addition.
func named(w *world, path string, recorded, have map[string]any) {
	for name, v := range have {
		was, ok := recorded[name]
		w.that(ok || path+name == "Version.Product" || path == "Client.Options.", "%s%s is no name of the contract", path, name)
		inner, _ := was.(map[string]any)
		if block, ok := v.(map[string]any); ok && inner != nil {
			named(w, path+name+".", inner, block)
		}
	}
}

var _ = conform(
	check{
		op:       "Agent.Self",
		refusals: []refusal{{"PUT", "/v1/agent/self", "{}", 405, "Invalid method"}},
		values: func(w *world) {
			self, err := w.client.Agent().Self()
			w.ok(err)
			w.that(self.Config["Region"] == "global" && self.Member.Name != "" && self.Stats["raft"]["state"] == "Leader" && self.Stats["client"] != nil, "self is %+v", self)
			recorded := decode[nomad.AgentSelf](w, string(httpdtest.Recorded(w, "agent-self.json")))
			for section, names := range recorded.Stats {
				for name := range names {
					w.that(self.Stats[section][name] != "" || name == "known_servers", "%s %s is missing in %v", section, name, self.Stats[section])
				}
			}
			version, _ := self.Config["Version"].(map[string]any)
			w.that(version["Version"] != "", "version is %v", version)
			named(w, "", recorded.Config, self.Config)
		},
	},
	check{
		op: "Agent.Members",
		values: func(w *world) {
			m, err := w.client.Agent().Members()
			w.ok(err)
			w.that(len(m.Members) == 1 && m.Members[0].Status == "alive" && m.Members[0].Tags["role"] == "nomad" && m.ServerRegion == "global", "members are %+v", m)
			w.that(m.Members[0].Name == m.ServerName+".global", "the server is called %q, its member %q", m.ServerName, m.Members[0].Name)
			w.shape("agent-members.json", "GET", "/v1/agent/members", "", httpdtest.Rules{Open: []string{"**.Tags"}})
		},
		refusals: []refusal{{"PUT", "/v1/agent/members", "{}", 405, "Invalid method"}},
	},
	check{
		op: "Agent.Servers",
		values: func(w *world) {
			list, err := w.client.Agent().Servers()
			w.ok(err)
			w.that(len(list) == 1 && strings.Contains(list[0], ":"), "servers are %v", list)
		},
		refusals: []refusal{{"DELETE", "/v1/agent/servers", "", 405, "Invalid method"}},
	},
	check{
		op: "Agent.ServersSet",
		values: func(w *world) {
			// The client of this agent uses the server in its own process; a client of its own is tried by TestSeparateClients.
			err := w.client.Agent().SetServers([]string{"127.0.0.1:4647"})
			w.that(err != nil && strings.Contains(err.Error(), "the server in the same process"), "%v", err)
		},
		refusals: []refusal{{"PUT", "/v1/agent/servers", "", 400, ""}},
	},
	check{
		op: "Agent.Health",
		values: func(w *world) {
			h, err := w.client.Agent().Health()
			w.ok(err)
			w.that(h.Client.Ok && h.Server.Ok, "health is %+v", h)
			w.shape("agent-health.json", "GET", "/v1/agent/health", "", httpdtest.Rules{})
			_, text := w.do("GET", "/v1/agent/health?type=x", "")
			w.that(text == "{}", "unknown type: %s", text)
		},
		refusals: []refusal{{"PUT", "/v1/agent/health", "{}", 405, "Invalid method"}},
	},
	check{
		op: "Agent.Join",
		values: func(w *world) {
			w.shape("agent-join.json", "PUT", "/v1/agent/join?address=127.0.0.1:1", "", httpdtest.Rules{})
			_, err := w.client.Agent().Join("127.0.0.1:1")
			w.that(err != nil, "joined nobody")
		},
		refusals: []refusal{{"PUT", "/v1/agent/join", "", 400, "missing address to join"}},
	},
	check{
		op:       "Agent.ForceLeave",
		values:   func(w *world) { w.ok(w.client.Agent().ForceLeave("absent.global")) },
		refusals: []refusal{{"PUT", "/v1/agent/force-leave", "", 400, "missing node to force leave"}},
	},
	check{
		op: "Agent.Schedulers",
		values: func(w *world) {
			info, err := w.client.Agent().GetSchedulerWorkersInfo(nil)
			w.ok(err)
			w.that(info.ServerID != "" && len(info.Schedulers) > 0 && slices.Contains(info.Schedulers[0].EnabledSchedulers, "service"), "workers are %+v", info)
			w.shape("agent-schedulers.json", "GET", "/v1/agent/schedulers", "", httpdtest.Rules{})
		},
		refusals: []refusal{{"PUT", "/v1/agent/schedulers", "{}", 405, "Invalid method"}},
	},
	check{
		op: "Agent.SchedulerConfig",
		values: func(w *world) {
			c, err := w.client.Agent().GetSchedulerWorkerConfig(nil)
			w.ok(err)
			w.that(c.NumSchedulers > 0 && slices.Contains(c.EnabledSchedulers, "batch"), "configuration is %+v", c)
			w.shape("agent-schedulers-config.json", "GET", "/v1/agent/schedulers/config", "", httpdtest.Rules{})
		},
		refusals: []refusal{{"DELETE", "/v1/agent/schedulers/config", "", 405, "Invalid method"}},
	},
	check{
		op: "Agent.SchedulerConfigSet",
		values: func(w *world) {
			old, err := w.client.Agent().GetSchedulerWorkerConfig(nil)
			w.ok(err)
			want := nomad.SchedulerWorkerPoolArgs{NumSchedulers: 1, EnabledSchedulers: old.EnabledSchedulers}
			got, err := w.client.Agent().SetSchedulerWorkerConfig(want, nil)
			w.ok(err)
			w.that(got.NumSchedulers == 1, "configuration is %+v", got)
			_, err = w.client.Agent().SetSchedulerWorkerConfig(*old, nil)
			w.ok(err)
		},
		refusals: []refusal{
			{"PUT", "/v1/agent/schedulers/config", "", 400, ""},
			{"PUT", "/v1/agent/schedulers/config", `{"num_schedulers":-1,"enabled_schedulers":["service"]}`, 400, ""},
		},
	},
	noKeyring("Agent.KeyringList", "list", ""),
	noKeyring("Agent.KeyringInstall", "install", `{"Key":"x"}`),
	noKeyring("Agent.KeyringUse", "use", `{"Key":"x"}`),
	noKeyring("Agent.KeyringRemove", "remove", `{"Key":"x"}`),
	check{
		op:       "Agent.Reload",
		values:   func(w *world) { w.ok(w.client.Agent().Reload(nil, nil)) },
		refusals: []refusal{{"GET", "/v1/agent/reload", "", 405, "Invalid method"}},
	},
	check{
		op: "Agent.Host",
		values: func(w *world) {
			_, text := w.do("GET", "/v1/agent/host", "")
			bare := decode[nomad.HostData](w, text)
			w.that(bare.OS != "" && bare.Disk != nil, "host is %s", text)
			of, err := w.client.Agent().Host("", w.node, nil)
			w.ok(err)
			w.that(of.AgentID == w.node && of.HostData.OS != "", "host is %+v", of)
		},
		refusals: []refusal{
			{"GET", "/v1/agent/host?node_id={absent}", "", 0, ""},
			{"PUT", "/v1/agent/host", "{}", 405, "Invalid method"},
		},
	},
	check{
		op: "Agent.Monitor",
		values: func(w *world) {
			stop := make(chan struct{})
			frames, errs := w.client.Agent().Monitor(stop, &nomad.QueryOptions{Params: map[string]string{"log_level": "debug"}})
			w.do("GET", "/v1/evaluation/short", "") // is logged at debug
			select {
			case f := <-frames:
				w.that(bytes.Contains(f.Data, []byte("[")), "frame is %+v", f)
			case err := <-errs:
				w.Fatal(err)
			}
			close(stop)
		},
		refusals: []refusal{
			{"GET", "/v1/agent/monitor?log_level=loud", "", 400, ""},
			{"GET", "/v1/agent/monitor?node_id=a&server_id=b", "", 400, ""},
		},
	},
	check{
		op: "Agent.MonitorExport",
		values: func(w *world) {
			// This agent logs to standard output only: there is no file to export.
			resp, text := w.do("GET", "/v1/agent/monitor/export?on_disk=true&plain=true", "")
			w.that(resp.StatusCode >= 400 && text != "", "%d %s", resp.StatusCode, text)
		},
		refusals: []refusal{
			{"GET", "/v1/agent/monitor/export", "", 400, ""},
			{"GET", "/v1/agent/monitor/export?on_disk=true&service_name=nomad", "", 400, ""},
			{"GET", "/v1/agent/monitor/export?on_disk=true&follow=true", "", 400, ""},
		},
	},
	check{
		op: "Agent.Profile",
		values: func(w *world) {
			for _, p := range []string{"goroutine", "heap"} {
				data, err := w.client.Agent().Lookup(p, nomad.PprofOptions{}, nil)
				w.ok(err)
				w.that(bytes.HasPrefix(data, []byte{0x1f, 0x8b}), "%s profile is %.20q", p, data)
			}
			resp, text := w.do("GET", "/v1/agent/pprof/cmdline", "")
			w.that(resp.StatusCode == 200 && strings.Contains(text, "agent"), "%d %q", resp.StatusCode, text)
		},
		refusals: []refusal{
			{"GET", "/v1/agent/pprof/", "", 404, "Invalid method"},
			{"GET", "/v1/agent/pprof/nothing", "", 404, ""},
			{"GET", "/v1/agent/pprof/heap?debug=x", "", 400, ""},
		},
	},
	check{
		op: "Agent.Metrics",
		values: func(w *world) {
			m, _, err := w.client.Operator().MetricsSummary(nil)
			w.ok(err)
			w.that(m.Timestamp != "" && len(m.Gauges) > 0, "metrics are %+v", m)
			w.eventually("what the contract measures is measured", func() error {
				resp, text := w.do("GET", "/v1/metrics?format=prometheus", "")
				for _, name := range measured {
					if !regexp.MustCompile(`(?m)^# TYPE nomad_(nomad_)?` + name + ` `).MatchString(text) {
						return fmt.Errorf("no %s, status %d", name, resp.StatusCode)
					}
				}
				return nil
			})
			m, _, err = w.client.Operator().MetricsSummary(nil)
			w.ok(err)
			w.that(slices.ContainsFunc(m.Gauges, func(g nomad.GaugeValue) bool {
				return g.Name == "nomad.nomad.job_summary.running"
			}), "no gauge of a job in %+v", m.Gauges)
			w.shape("metrics.json", "GET", "/v1/metrics", "", httpdtest.Rules{Open: []string{"**.Labels", "**.DisplayLabels"}, Skip: []string{"**.Labels", "**.DisplayLabels"}, Null: []string{"Points"}})
		},
		refusals: []refusal{{"GET", "/v1/metrics?format=x", "", 400, ""}},
	},
	check{
		op:       "Status.Leader",
		refusals: []refusal{{"PUT", "/v1/status/leader", "{}", 405, "Invalid method"}},
		values: func(w *world) {
			addr, err := w.client.Status().Leader()
			w.ok(err)
			w.that(strings.HasPrefix(addr, "127.0.0.1:"), "leader is %q", addr)
		},
	},
	check{
		op:       "Status.Peers",
		refusals: []refusal{{"PUT", "/v1/status/peers", "{}", 405, "Invalid method"}},
		values: func(w *world) {
			peers, err := w.client.Status().Peers()
			w.ok(err)
			w.that(len(peers) == 1, "peers are %v", peers)
		},
	},
	check{
		op:       "Status.Regions",
		refusals: []refusal{{"PUT", "/v1/regions", "{}", 405, "Invalid method"}},
		values: func(w *world) {
			regions, err := w.client.Regions().List()
			w.ok(err)
			w.that(slices.Equal(regions, []string{"global"}), "regions are %v", regions)
		},
	},
	check{
		op:       "System.GC",
		values:   func(w *world) { w.ok(w.client.System().GarbageCollect()); w.running(w.web, 2) },
		refusals: []refusal{{"POST", "/v1/system/gc", "", 405, "Invalid method"}},
	},
	check{
		op: "System.ReconcileSummaries",
		values: func(w *world) {
			w.ok(w.client.System().ReconcileSummaries())
			sum, _, err := w.client.Jobs().Summary(w.web, nil)
			w.ok(err)
			w.that(sum.Summary["g"].Running == 2, "summary is %+v", sum)
		},
		refusals: []refusal{{"POST", "/v1/system/reconcile/summaries", "", 405, "Invalid method"}},
	},
	check{
		op: "Operator.RaftConfiguration",
		values: func(w *world) {
			c, err := w.client.Operator().RaftGetConfiguration(nil)
			w.ok(err)
			w.that(len(c.Servers) == 1 && c.Servers[0].Leader && c.Servers[0].Voter && c.Servers[0].RaftProtocol == "3", "configuration is %+v", c)
			w.shape("operator-raft-configuration.json", "GET", "/v1/operator/raft/configuration", "", httpdtest.Rules{})
		},
		refusals: []refusal{
			{"PUT", "/v1/operator/raft/configuration", "{}", 405, ""},
			{"GET", "/v1/operator/raft/nothing", "", 404, "Invalid method"},
		},
	},
	check{
		op:     "Operator.RaftPeerRemove",
		values: func(w *world) { w.that(w.client.Operator().RaftRemovePeerByID("absent", nil) != nil, "removed nobody") },
		refusals: []refusal{
			{"DELETE", "/v1/operator/raft/peer", "", 400, ""},
			{"DELETE", "/v1/operator/raft/peer?id={absent}", "", 500, ""},
			{"GET", "/v1/operator/raft/peer", "", 404, "Invalid method"},
		},
	},
	check{
		op: "Operator.RaftTransfer",
		values: func(w *world) {
			c, err := w.client.Operator().RaftGetConfiguration(nil)
			w.ok(err)
			_, text := w.do("PUT", "/v1/operator/raft/transfer-leadership?id="+c.Servers[0].ID, "")
			w.that(decode[map[string]any](w, text)["Noop"] == true, "answer is %s", text)
		},
		refusals: []refusal{
			{"PUT", "/v1/operator/raft/transfer-leadership", "", 400, "must specify id or address"},
			{"PUT", "/v1/operator/raft/transfer-leadership?id={absent}", "", 0, ""},
		},
	},
	check{
		op: "Operator.AutopilotGet",
		values: func(w *world) {
			c, _, err := w.client.Operator().AutopilotGetConfiguration(nil)
			w.ok(err)
			w.that(c.CleanupDeadServers && c.MaxTrailingLogs == 250, "configuration is %+v", c)
			w.shape("operator-autopilot-configuration.json", "GET", "/v1/operator/autopilot/configuration", "", httpdtest.Rules{})
		},
		refusals: []refusal{{"POST", "/v1/operator/autopilot/configuration", "{}", 404, "Invalid method"}},
	},
	check{
		op: "Operator.AutopilotSet",
		values: func(w *world) {
			c, _, err := w.client.Operator().AutopilotGetConfiguration(nil)
			w.ok(err)
			c.MaxTrailingLogs = 300
			ok, _, err := w.client.Operator().AutopilotCASConfiguration(c, nil)
			w.ok(err)
			w.that(ok, "the write did not happen")
			ok, _, err = w.client.Operator().AutopilotCASConfiguration(c, nil)
			w.ok(err)
			w.that(!ok, "the old index was accepted")
			now, _, err := w.client.Operator().AutopilotGetConfiguration(nil)
			w.ok(err)
			w.that(now.MaxTrailingLogs == 300, "configuration is %+v", now)
			now.MaxTrailingLogs = 250
			_, err = w.client.Operator().AutopilotSetConfiguration(now, nil)
			w.ok(err)
		},
		refusals: []refusal{
			{"PUT", "/v1/operator/autopilot/configuration", "", 400, ""},
			{"PUT", "/v1/operator/autopilot/configuration", `{"LastContactThreshold":5}`, 400, ""},
			{"PUT", "/v1/operator/autopilot/configuration?cas=x", `{}`, 400, ""},
		},
	},
	check{
		op: "Operator.AutopilotHealth",
		values: func(w *world) {
			w.eventually("the server is healthy", func() error {
				_, _, err := w.client.Operator().AutopilotServerHealth(nil)
				return err
			})
			h, _, err := w.client.Operator().AutopilotServerHealth(nil)
			w.ok(err)
			w.that(h.Healthy && len(h.Servers) == 1 && h.Servers[0].Leader, "health is %+v", h)
			w.shape("operator-autopilot-health.json", "GET", "/v1/operator/autopilot/health", "", httpdtest.Rules{})
		},
		refusals: []refusal{{"PUT", "/v1/operator/autopilot/health", "{}", 405, ""}},
	},
	check{
		op: "Operator.SchedulerGet",
		values: func(w *world) {
			c, _, err := w.client.Operator().SchedulerGetConfiguration(nil)
			w.ok(err)
			w.that(c.SchedulerConfig.SchedulerAlgorithm == "binpack" && c.SchedulerConfig.PreemptionConfig.SystemSchedulerEnabled, "configuration is %+v", c.SchedulerConfig)
			w.shape("operator-scheduler-configuration.json", "GET", "/v1/operator/scheduler/configuration", "", httpdtest.Rules{})
		},
		refusals: []refusal{{"DELETE", "/v1/operator/scheduler/configuration", "", 405, "Invalid method"}},
	},
	check{
		op: "Operator.SchedulerSet",
		values: func(w *world) {
			c, _, err := w.client.Operator().SchedulerGetConfiguration(nil)
			w.ok(err)
			conf := *c.SchedulerConfig
			conf.SchedulerAlgorithm = "spread"
			r, _, err := w.client.Operator().SchedulerCASConfiguration(&conf, nil)
			w.ok(err)
			w.that(r.Updated, "the write did not happen")
			r, _, err = w.client.Operator().SchedulerCASConfiguration(&conf, nil)
			w.ok(err)
			w.that(!r.Updated, "the old index was accepted")
			_, _, err = w.client.Operator().SchedulerSetConfiguration(c.SchedulerConfig, nil)
			w.ok(err)
		},
		refusals: []refusal{
			{"PUT", "/v1/operator/scheduler/configuration", `{"SchedulerAlgorithm":"best"}`, 400, ""},
			{"PUT", "/v1/operator/scheduler/configuration", "", 400, "Request body is empty"},
		},
	},
	check{
		op: "Operator.SnapshotSave",
		values: func(w *world) {
			resp, text := w.do("GET", "/v1/operator/snapshot", "")
			sum := sha256.Sum256([]byte(text))
			w.that(resp.StatusCode == http.StatusOK && resp.Header.Get("Content-Type") == "application/x-gzip", "%d, a %s", resp.StatusCode, resp.Header.Get("Content-Type"))
			w.that(resp.Header.Get("Digest") == "sha-256="+base64.StdEncoding.EncodeToString(sum[:]), "digest is %s", resp.Header.Get("Digest"))
			rc, err := w.client.Operator().Snapshot(nil)
			w.that(len(readAll(w, rc, err)) > 0, "empty snapshot")
		},
		refusals: []refusal{{"POST", "/v1/operator/snapshot/x", "", 404, ""}},
	},
	check{
		op: "Operator.SnapshotRestore",
		values: func(w *world) {
			rc, err := w.client.Operator().Snapshot(nil)
			data := readAll(w, rc, err)
			w.submitted(sleeper("after-snapshot"))
			_, err = w.client.Operator().SnapshotRestore(strings.NewReader(data), nil)
			w.ok(err)
			_, _, err = w.client.Jobs().Info("after-snapshot", nil)
			w.that(err != nil, "a job that came after the snapshot is still there")
			w.running(w.web, 2)
		},
		refusals: []refusal{{"PUT", "/v1/operator/snapshot", "this is no archive", 500, ""}},
	},
	check{
		op: "Operator.LicenseGet",
		values: func(w *world) {
			resp, text := w.do("GET", "/v1/operator/license", "")
			w.that(resp.StatusCode == 204 && text == "", "%d %q", resp.StatusCode, text)
		},
		refusals: []refusal{{"PUT", "/v1/operator/license", "x", 501, "Nomad Enterprise only endpoint"}},
	},
	check{
		op: "Operator.UpgradeCheckVault",
		values: func(w *world) {
			_, _, err := w.client.Operator().UpgradeCheckVaultWorkloadIdentity(nil)
			w.ok(err)
			w.shape("operator-upgrade-check-vault.json", "GET", "/v1/operator/upgrade-check/vault-workload-identity", "", httpdtest.Rules{})
		},
		refusals: []refusal{{"GET", "/v1/operator/upgrade-check/nothing", "", 404, ""}},
	},
)

// noKeyring checks an operation on gossip keys against an agent whose gossip is not encrypted.
func noKeyring(op, verb, body string) check {
	r := refusal{"PUT", "/v1/agent/keyring/" + verb, body, 500, ""}
	return check{op: op, values: func(w *world) { w.refused(r) }, refusals: []refusal{{"PUT", "/v1/agent/keyring/nothing", "{}", 404, "resource not found"}}}
}

// measured are names of the contract's metrics that an agent has which has run a job, without "nomad_" or "nomad_nomad_".
var measured = []string{
	"job_status_running", "job_summary_running", "raft_apply", "raft_appliedIndex", "raft_lastIndex", "state_snapshotIndex",
	"rpc_request", "rpc_query", "client_register", "client_update_status", "client_get_client_allocs", "client_update_alloc",
	"job_register", "alloc_get_allocs", "fsm_register_node", "fsm_register_job", "fsm_apply_plan_results", "fsm_alloc_client_update",
	"leader_barrier", "leader_reconcile", "leader_reconcileMember", "heartbeat_active",
	"plan_submit", "plan_evaluate", "plan_apply", "plan_queue_depth",
	"worker_dequeue_eval", "worker_wait_for_index", "worker_invoke_scheduler_service", "worker_submit_plan", "worker_send_ack",
	"broker_wait_time", "broker_process_time", "broker_response_time", "broker_total_ready", "broker_total_unacked",
	"broker_total_pending", "broker_total_waiting", "blocked_evals_total_blocked", "blocked_evals_total_escaped",
	"client_allocations_running", "client_tasks_running", "client_allocated_cpu", "client_unallocated_memory", "client_uptime",
	"client_host_memory_total", "client_host_cpu_total_percent", "client_host_cpu_total_ticks_count", "client_host_disk_used",
	"client_allocs_running", "client_allocs_memory_usage", "client_allocs_cpu_total_percent", "client_allocs_cpu_total_ticks_count",
	"client_alloc_hook_prerun_elapsed", "client_alloc_hook_prerun_success",
	"client_task_hook_prestart_elapsed", "client_task_hook_prestart_success",
	"memberlist_gossip", "runtime_alloc_bytes", "nomad_autopilot_healthy", "nomad_autopilot_failure_tolerance", "worker_update_eval",
}
