// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/broker"
	"github.com/nomadlike/nomadlike/nomadlike/membership"
)

// adminHandlers serve what changes or inspects this very agent.
func (a *Agent) adminHandlers(set *opset.Set) {
	opset.Handle(set, api.AgentJoin, a.joinServers)
	opset.Handle(set, api.AgentForceLeave, a.forceLeave)
	opset.Handle(set, api.AgentServers, a.servers)
	opset.Handle(set, api.AgentServersSet, a.setServers)
	opset.Handle(set, api.AgentSchedulers, a.schedulers)
	opset.Handle(set, api.AgentSchedulerConfigGet, func(context.Context, *api.AgentRequest) (*api.AgentSchedulerConfig, error) {
		return a.schedulerConfig()
	})
	opset.Handle(set, api.AgentSchedulerConfigSet, a.setSchedulerConfig)
	opset.Handle(set, api.AgentKeyringList, func(_ context.Context, _ *api.AgentWriteRequest) (*api.KeyringResponse, error) {
		return a.keyring(membership.KeyList, "")
	})
	for op, what := range map[*api.Op[api.AgentKeyringRequest, *api.KeyringResponse]]membership.KeyOperation{
		api.AgentKeyringInstall: membership.KeyInstall, api.AgentKeyringUse: membership.KeyUse, api.AgentKeyringRemove: membership.KeyRemove,
	} {
		opset.Handle(set, op, func(_ context.Context, r *api.AgentKeyringRequest) (*api.KeyringResponse, error) {
			return a.keyring(what, r.Key)
		})
	}
	opset.Handle(set, api.AgentReload, func(context.Context, *api.AgentWriteRequest) (api.Empty, error) {
		return api.Empty{}, a.Reload()
	})
	opset.Handle(set, api.AgentHost, a.host)
	opset.HandleStream(set, api.AgentMonitor, a.monitor)
	opset.HandleStream(set, api.AgentMonitorExport, a.monitorExport)
	opset.HandleStream(set, api.AgentProfile, a.profile)
	opset.Handle(set, api.LicenseGet, func(context.Context, *api.OperatorReadRequest) (api.Empty, error) {
		return api.Empty{}, nil
	})
}

// errNoServer answers on an agent that is no server.
var errNoServer = api.Errorf(api.ClassUnsupported, "Invalid method")

// gossip returns the server's part in the gossip.
func (a *Agent) gossip() (*membership.Membership, error) {
	if a.server == nil {
		return nil, errNoServer
	}
	g := a.server.srv.Members()
	if g == nil {
		return nil, api.Errorf(api.ClassUnavailable, "server is starting")
	}
	return g, nil
}

func (a *Agent) joinServers(_ context.Context, r *api.AgentAddressesRequest) (*api.AgentJoinResponse, error) {
	g, err := a.gossip()
	if err != nil {
		return nil, err
	}
	if len(r.Address) == 0 {
		return nil, api.Errorf(api.ClassInvalid, "missing address to join")
	}
	n, err := g.Join(r.Address)
	resp := &api.AgentJoinResponse{NumJoined: n}
	if err != nil {
		resp.Error = err.Error()
	}
	return resp, nil
}

// forceLeave makes a member count as left; one that is not known is no error.
func (a *Agent) forceLeave(_ context.Context, r *api.AgentForceLeaveRequest) (api.Empty, error) {
	g, err := a.gossip()
	if err != nil {
		return api.Empty{}, err
	}
	if r.Node == "" {
		return api.Empty{}, api.Errorf(api.ClassInvalid, "missing node to force leave")
	}
	err = g.ForceLeave(r.Node, r.Prune)
	if api.IsClass(err, api.ClassNotFound) && !strings.HasSuffix(r.Node, "."+a.cfg.Region) {
		err = g.ForceLeave(r.Node+"."+a.cfg.Region, r.Prune)
	}
	if api.IsClass(err, api.ClassNotFound) {
		return api.Empty{}, nil
	}
	return api.Empty{}, err
}

func (a *Agent) servers(context.Context, *api.AgentRequest) ([]string, error) {
	if a.client == nil {
		return nil, api.Errorf(api.ClassUnsupported, "Invalid method")
	}
	addrs := slices.Clone(a.client.serverAddrs())
	slices.Sort(addrs)
	return addrs, nil
}

// setServers replaces the servers that the client uses, until a server tells it of others.
func (a *Agent) setServers(_ context.Context, r *api.AgentAddressesRequest) (api.Empty, error) {
	switch {
	case a.client == nil:
		return api.Empty{}, api.Errorf(api.ClassUnsupported, "Invalid method")
	case len(r.Address) == 0:
		return api.Empty{}, api.Errorf(api.ClassInvalid, "missing server address")
	case a.client.servers == nil:
		return api.Empty{}, api.Errorf(api.ClassInvalid, "the client of this agent uses the server in the same process; other servers cannot be set")
	}
	addrs, err := serverAddresses(r.Address)
	if err != nil {
		return api.Empty{}, err
	}
	a.client.servers.Set(addrs)
	return api.Empty{}, nil
}

// serverAddresses returns the addresses with their ports. One that no server can have is an error: a client that knew no
// other would be cut off.
func serverAddresses(list []string) ([]string, error) {
	var addrs []string
	for _, given := range list {
		addr := withPort(given, defaultServerPort)
		if !usableAddress(addr) {
			return nil, api.Errorf(api.ClassInvalid, "server address %q is not of the form host or host:port", given)
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

// usableAddress says whether others could be told the address: it has a host and the number of a port.
func usableAddress(addr string) bool {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || strings.ContainsAny(host, " /") {
		return false
	}
	number, err := strconv.ParseUint(port, 10, 16)
	return err == nil && number > 0
}

// errServerOnly answers questions about schedulers on an agent that has none.
var errServerOnly = api.Errorf(api.ClassInvalid, "Server only endpoint")

func (a *Agent) schedulers(context.Context, *api.AgentRequest) (*api.AgentSchedulerWorkers, error) {
	if a.server == nil {
		return nil, errServerOnly
	}
	resp := &api.AgentSchedulerWorkers{ServerID: a.server.srv.ServerName(), Schedulers: []*api.SchedulerWorker{}}
	kinds := a.server.evals.Workers().Kinds
	for _, w := range a.server.evals.WorkerInfos() {
		resp.Schedulers = append(resp.Schedulers, &api.SchedulerWorker{
			Id: w.ID, EnabledSchedulers: withCore(kinds), Started: w.Started.UTC().Format(time.RFC3339Nano),
			Status: w.Status, WorkloadStatus: w.Workload,
		})
	}
	return resp, nil
}

// schedulerCore is the scheduler of the server's own housekeeping, which is always on.
const schedulerCore = "_core"

func withCore(kinds []string) []string { return append(slices.Clone(kinds), schedulerCore) }

func (a *Agent) schedulerConfig() (*api.AgentSchedulerConfig, error) {
	if a.server == nil {
		return nil, errServerOnly
	}
	w := a.server.evals.Workers()
	return &api.AgentSchedulerConfig{ServerID: a.server.srv.ServerName(), NumSchedulers: w.Num, EnabledSchedulers: withCore(w.Kinds)}, nil
}

func (a *Agent) setSchedulerConfig(_ context.Context, r *api.AgentSchedulerConfigRequest) (*api.AgentSchedulerConfig, error) {
	if a.server == nil {
		return nil, errServerOnly
	}
	if r.Config == nil {
		return nil, api.Errorf(api.ClassInvalid, "missing scheduler configuration")
	}
	w := broker.WorkerConfig{Num: r.Config.NumSchedulers, Kinds: slices.DeleteFunc(slices.Clone(r.Config.EnabledSchedulers), func(k string) bool { return k == schedulerCore })}
	if err := w.Validate(); err != nil {
		return nil, api.Errorf(api.ClassInvalid, "%s", err)
	}
	a.server.evals.SetWorkers(w)
	return a.schedulerConfig()
}

func (a *Agent) keyring(op membership.KeyOperation, key string) (*api.KeyringResponse, error) {
	g, err := a.gossip()
	if err != nil {
		return nil, err
	}
	return g.Keys(op, key)
}
