// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/pprof"
	"runtime"
	"slices"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/internal/version"
)

// localHandlers serve what is asked of this very agent.
func (a *Agent) localHandlers(set *opset.Set) {
	opset.Handle(set, api.AgentSelfGet, func(context.Context, *api.AgentRequest) (*api.AgentSelf, error) { return a.self() })
	opset.Handle(set, api.AgentHealth, func(_ context.Context, r *api.AgentHealthRequest) (*api.AgentHealthResponse, error) {
		return a.health(r), nil
	})
	opset.HandleStream(set, api.MetricsGet, a.telemetry.serve)
}

func (a *Agent) health(r *api.AgentHealthRequest) *api.AgentHealthResponse {
	wants := func(role string) bool { return len(r.Type) == 0 || slices.Contains(r.Type, role) }
	resp := &api.AgentHealthResponse{}
	if wants("client") && a.client != nil {
		resp.Client = &api.AgentRoleHealth{Ok: true, Message: "ok"}
		if len(a.client.serverAddrs()) == 0 {
			resp.Client = &api.AgentRoleHealth{Message: "no known servers"}
		}
	}
	if wants("server") && a.server != nil {
		resp.Server = &api.AgentRoleHealth{Ok: true, Message: "ok"}
		if addr, _ := a.server.srv.Leader(); addr == "" {
			resp.Server = &api.AgentRoleHealth{Message: "No cluster leader"}
		}
	}
	return resp
}

// self describes the agent (recorded agent-self.json): its configuration by Go field names, its gossip
// member and its statistics.
func (a *Agent) self() (*api.AgentSelf, error) {
	a.mu.Lock()
	data, err := json.Marshal(a.mu.present)
	a.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	conf := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // numbers stay as they are written
	if err := dec.Decode(&conf); err != nil {
		return nil, fmt.Errorf("decode configuration: %w", err)
	}
	conf["Version"] = map[string]any{
		"Version": version.CompatVersion, "VersionPrerelease": "", "VersionMetadata": "", "Revision": version.Revision(), "BuildDate": nil,
		"Product": version.String(),
	}
	conf["ACL"] = map[string]any{"Enabled": false}
	conf["TLSConfig"] = map[string]any{"EnableHTTP": false, "EnableRPC": false}
	// Driver configuration may hold credentials: only its names are told.
	names := []string{}
	for label := range a.cfg.Plugins {
		names = append(names, label)
	}
	slices.Sort(names)
	conf["Plugins"] = names
	self := &api.AgentSelf{Config: conf, Stats: map[string]map[string]string{"runtime": runtimeStats()}}
	if a.server != nil {
		if g := a.server.srv.Members(); g != nil {
			self.Member = *g.Local()
		}
		maps.Copy(self.Stats, a.server.srv.Stats())
	}
	if a.client != nil {
		self.Stats["client"] = a.client.stats()
	}
	return self, nil
}

func runtimeStats() map[string]string {
	return map[string]string{
		"arch": runtime.GOARCH, "kernel.name": runtime.GOOS, "version": runtime.Version(),
		"max_procs": strconv.Itoa(runtime.GOMAXPROCS(0)), "goroutines": strconv.Itoa(runtime.NumGoroutine()), "cpu_count": strconv.Itoa(runtime.NumCPU()),
	}
}

// debugHandler serves /debug/pprof/ when it is switched on.
func (a *Agent) debugHandler() http.Handler {
	if !a.cfg.EnableDebug {
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
