// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// shapes compares the answer's fields with those of a recorded one.
func (c *cluster) shapes(file, method, path, body string) answer {
	c.t.Helper()
	a := c.do(method, path, body)
	if a.code != http.StatusOK {
		c.t.Errorf("%s %s: %d %s", method, path, a.code, a.body)
		return a
	}
	httpdtest.Shape(c.t, method+" "+path+" against "+file, httpdtest.Recorded(c.t, file), []byte(a.body), shapeRules)
	return a
}

// refuses checks status and text of an error.
func (c *cluster) refuses(method, path, body string, code int, text string) {
	c.t.Helper()
	if a := c.do(method, path, body); a.code != code || a.body != text {
		c.t.Errorf("%s %s %s: %d %q, want %d %q", method, path, body, a.code, a.body, code, text)
	}
}

// eventually waits until something outside the state is so.
func (c *cluster) eventually(what string, is func() bool) {
	c.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			c.t.Fatalf("waited for: %s", what)
		}
	}
}

func TestSchedulerConfiguration(t *testing.T) {
	c := start(t)
	const path = "/v1/operator/scheduler/configuration"
	a := c.shapes("operator-scheduler-configuration.json", "GET", path, "")
	first := a.header.Get("X-Nomad-Index")
	if first == "" || a.header.Get("X-Nomad-KnownLeader") != "true" {
		t.Errorf("headers are %v", a.header)
	}
	read := func() *api.SchedulerConfiguration {
		t.Helper()
		var r api.SchedulerConfigurationResponse
		c.get(path, &r)
		return r.SchedulerConfig
	}
	before := read()
	if before.SchedulerAlgorithm != "binpack" || !before.PreemptionConfig.SystemSchedulerEnabled {
		t.Errorf("a new cluster has %+v", before)
	}
	a = c.shapes("operator-scheduler-configuration-put.json", "PUT", path, `{"SchedulerAlgorithm": "spread", "MemoryOversubscriptionEnabled": true}`)
	after := read()
	if after.SchedulerAlgorithm != "spread" || !after.MemoryOversubscriptionEnabled || after.PreemptionConfig.SystemSchedulerEnabled {
		t.Errorf("a write replaces the whole; it is %+v", after)
	}
	if got := a.header.Get("X-Nomad-Index"); got != index(after.ModifyIndex) || after.CreateIndex != before.CreateIndex {
		t.Errorf("written at %s, stored at %d, made at %d", got, after.ModifyIndex, after.CreateIndex)
	}
	if a := c.do("PUT", path+"?cas="+first, `{"SchedulerAlgorithm": "binpack"}`); a.code != 200 || !strings.HasPrefix(a.body, `{"Updated":false,"Index":`) {
		t.Errorf("a write from an old index answers %d %s", a.code, a.body)
	}
	if read().SchedulerAlgorithm != "spread" {
		t.Error("a write from an old index was stored")
	}
	if a := c.do("POST", path+"?cas="+index(after.ModifyIndex), `{"SchedulerAlgorithm": "binpack"}`); !strings.HasPrefix(a.body, `{"Updated":true`) {
		t.Errorf("a write from the present index answers %d %s", a.code, a.body)
	}
	c.refuses("PUT", path, `{"SchedulerAlgorithm": "zzz"}`, 400, "invalid scheduler algorithm: zzz")
	c.refuses("PUT", path, "", 400, "Request body is empty")
	c.refuses("PUT", path+"?cas=x", "{}", 400, `Error parsing cas value: strconv.ParseUint: parsing "x": invalid syntax`)
	c.refuses("PUT", path, `{"NodeLimitForFeasibilityChecks": -1}`, 400, "NodeLimitForFeasibilityChecks must not be negative, got -1")
}

func TestSchedulerConfigurationRejectsJobs(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.put("/v1/operator/scheduler/configuration", object{"RejectJobRegistration": true}, nil)
	body := `{"Job":{"ID":"x","Datacenters":["*"],"TaskGroups":[{"Name":"g","Tasks":[{"Name":"t","Driver":"mock_driver"}]}]}}`
	c.refuses("PUT", "/v1/jobs", body, 403, "Job registration, dispatch, and scale are disabled by the scheduler configuration")
	c.put("/v1/operator/scheduler/configuration", object{"PauseEvalBroker": true}, nil)
	var reg api.JobRegisterResponse
	c.put("/v1/jobs", object{"Job": job("x", 1)}, &reg)
	if state.Evals.Get(c.srv.Store().Snapshot(), reg.EvalID).Status != api.EvalStatusPending {
		t.Error("an evaluation was processed while the broker was paused")
	}
	c.put("/v1/operator/scheduler/configuration", object{}, nil)
	c.running("x", 1)
}

func TestRaftOperations(t *testing.T) {
	c := start(t)
	c.shapes("operator-raft-configuration.json", "GET", "/v1/operator/raft/configuration", "")
	var conf api.RaftConfiguration
	a := c.get("/v1/operator/raft/configuration", &conf)
	if len(conf.Servers) != 1 || !conf.Servers[0].Leader || conf.Servers[0].Node != "node-1.global" || a.header.Get("X-Nomad-Index") != "" {
		t.Errorf("peers %+v, headers %v", conf.Servers, a.header)
	}
	c.refuses("DELETE", "/v1/operator/raft/peer", "", 400, "Must specify the peer's ID to remove")
	c.refuses("DELETE", "/v1/operator/raft/peer?id=nope", "", 500, `id "nope" was not found in the Raft configuration`)
	c.refuses("PUT", "/v1/operator/raft/transfer-leadership", "", 400, "must specify id or address")
	c.refuses("PUT", "/v1/operator/raft/transfer-leadership?id=nope", "", 500, `id "nope" was not found in the Raft configuration`)
	c.refuses("PUT", "/v1/operator/raft/transfer-leadership?address=nope", "", 500, `address "nope" was not found in the Raft configuration`)
	me := `{"ID":"` + conf.Servers[0].ID + `","Address":"127.0.0.1:4647"}`
	c.refuses("POST", "/v1/operator/raft/transfer-leadership?id="+conf.Servers[0].ID, "", 200, `{"From":`+me+`,"To":`+me+`,"Noop":true,"Err":null}`)

	c.refuses("GET", "/v1/operator/raft/peer", "", 404, "Invalid method")
	c.refuses("GET", "/v1/operator/raft/zzz", "", 404, "Invalid method")
	c.refuses("PUT", "/v1/operator/raft/configuration", "", 405, "")
	c.refuses("POST", "/v1/operator/autopilot/configuration", "{}", 404, "Invalid method")
	c.refuses("DELETE", "/v1/operator/scheduler/configuration", "", 405, "Invalid method")
	c.refuses("PATCH", "/v1/var/a", "", 400, "Invalid method")
}

func TestAutopilot(t *testing.T) {
	c := start(t)
	const path = "/v1/operator/autopilot/configuration"
	if a := c.shapes("operator-autopilot-configuration.json", "GET", path, ""); a.header.Get("X-Nomad-Index") != "" {
		t.Errorf("headers %v", a.header)
	}
	var conf api.AutopilotConfiguration
	c.get(path, &conf)
	if !conf.CleanupDeadServers || conf.LastContactThreshold != "200ms" || conf.MaxTrailingLogs != 250 || conf.ServerStabilizationTime != "10s" {
		t.Errorf("a new cluster has %+v", conf)
	}
	first := index(conf.ModifyIndex)
	c.refuses("PUT", path, string(httpdtest.Recorded(t, "operator-autopilot-configuration-put.request.json")), 200, "true")
	c.refuses("PUT", path+"?cas="+first, `{}`, 200, "false")
	c.get(path, &conf)
	c.refuses("PUT", path+"?cas="+index(conf.ModifyIndex), `{"MinQuorum": 3, "LastContactThreshold": "1s"}`, 200, "true")
	c.get(path, &conf)
	if conf.MinQuorum != 3 || conf.CleanupDeadServers || conf.LastContactThreshold != "1s" || conf.ServerStabilizationTime != "10s" {
		t.Errorf("a write replaces the whole; it is %+v", conf)
	}
	for body, text := range map[string]string{
		`{"LastContactThreshold": 200000000}`: "Error parsing autopilot config: json: cannot unmarshal number",
		`{"ServerStabilizationTime": "x"}`:    `Error parsing autopilot config: ServerStabilizationTime: "x" is not a duration`,
		`{"MinQuorum": -1}`:                   "Error parsing autopilot config: MinQuorum: -1 is negative",
		`{"EnableRedundancyZones": true}`:     "Error parsing autopilot config: EnableRedundancyZones is a feature of the commercial edition",
	} {
		if a := c.do("PUT", path, body); a.code != 400 || !strings.HasPrefix(a.body, text) {
			t.Errorf("%s: %d %s", body, a.code, a.body)
		}
	}
	c.eventually("the server to be healthy", func() bool {
		h, err := c.srv.Health()
		return err == nil && h.Healthy
	})
	c.shapes("operator-autopilot-health.json", "GET", "/v1/operator/autopilot/health", "")
}

func TestUpgradeCheck(t *testing.T) {
	c := start(t)
	c.shapes("operator-upgrade-check-vault.json", "GET", "/v1/operator/upgrade-check/vault-workload-identity", "")
	c.refuses("GET", "/v1/operator/upgrade-check/other", "", 404, "")
}
