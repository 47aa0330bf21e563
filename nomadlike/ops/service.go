// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"bytes"
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) serviceHandlers(set *opset.Set) {
	handleRead(e, set, api.ServiceList, serviceList)
	handleRead(e, set, api.ServiceGet, serviceGet)
	handleRead(e, set, api.AllocServices, allocServices)
	handleWrite(set, api.ServiceDelete, e.serviceDelete)
}

func serviceList(tx *readTx, _ *api.ServiceListRequest) ([]*api.ServiceListStub, error) {
	rows := state.Services.All(tx)
	if ns := tx.namespace(); ns != api.AllNamespaces {
		rows = state.Services.Prefix(tx, ns, "")
	}
	tags := map[string]map[string]map[string]bool{} // by namespace and service
	for s := range rows {
		services := tags[s.Namespace]
		if services == nil {
			services = map[string]map[string]bool{}
			tags[s.Namespace] = services
		}
		if services[s.ServiceName] == nil {
			services[s.ServiceName] = map[string]bool{}
		}
		for _, t := range s.Tags {
			services[s.ServiceName][t] = true
		}
	}
	out := []*api.ServiceListStub{}
	for _, ns := range slices.Sorted(maps.Keys(tags)) {
		stub := &api.ServiceListStub{Namespace: ns}
		for _, name := range slices.Sorted(maps.Keys(tags[ns])) {
			union := slices.AppendSeq([]string{}, maps.Keys(tags[ns][name]))
			slices.Sort(union)
			stub.Services = append(stub.Services, &api.ServiceStub{ServiceName: name, Tags: union})
		}
		out = append(out, stub)
	}
	return out, nil
}

func serviceGet(tx *readTx, r *api.ServiceRequest) ([]*api.ServiceRegistration, error) {
	if r.Choose != "" {
		tx.rows = nil // the choice is among all of them
	}
	out, err := list(tx, page[api.ServiceRegistration]{
		rows:  inOrder(tx, state.Services.By(tx, state.ByName, tx.namespace(), r.ServiceName)),
		token: func(s *api.ServiceRegistration) string { return s.Namespace + "." + s.ID },
	}, func(s *api.ServiceRegistration) *api.ServiceRegistration { return s })
	if err != nil || r.Choose == "" {
		return out, err
	}
	number, key, _ := strings.Cut(r.Choose, "|")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || key == "" {
		return nil, api.Errorf(api.ClassInvalid, "failed to choose services: Parameter for choose must be in form '<number>|<key>'")
	}
	return choose(out, n, key), nil
}

// choose picks n of the registrations by rendezvous hashing: every caller with the same key gets the same ones,
// and a registration that comes or goes changes the choice of few keys.
func choose(all []*api.ServiceRegistration, n int, key string) []*api.ServiceRegistration {
	type ranked struct {
		rank [sha256.Size]byte
		s    *api.ServiceRegistration
	}
	ranks := make([]ranked, len(all))
	for i, s := range all {
		ranks[i] = ranked{sha256.Sum256([]byte(key + "\x00" + s.ID)), s}
	}
	slices.SortFunc(ranks, func(a, b ranked) int { return bytes.Compare(a.rank[:], b.rank[:]) })
	out := make([]*api.ServiceRegistration, 0, min(n, len(ranks)))
	for _, r := range ranks[:min(n, len(ranks))] {
		out = append(out, r.s)
	}
	return out
}

func allocServices(tx *readTx, r *api.AllocRequest) ([]*api.ServiceRegistration, error) {
	if err := checkID("alloc", r.AllocID); err != nil {
		return nil, err
	}
	if state.Allocs.Get(tx.Unrecorded(), r.AllocID) == nil {
		state.Allocs.Get(tx, r.AllocID) // its coming is what a blocked caller waits for
		return nil, notFound("allocation not found")
	}
	return nonNil(state.Services.By(tx, state.ByAlloc, r.AllocID)), nil
}

func (e *Env) serviceDelete(ctx context.Context, r *api.ServiceDeleteRequest) (api.Empty, error) {
	none := api.Empty{}
	ns := namespaceOf(&r.RequestOptions)
	s := state.Services.Get(e.Store.Snapshot(), ns, r.ID)
	if s == nil || s.ServiceName != r.ServiceName {
		return none, refused("service registration not found")
	}
	_, index, err := e.Raft.Apply(ctx, fsm.ServicesDelete.Encode(&fsm.ServicesDeleteRequest{Services: []fsm.ServiceRef{{Namespace: ns, ID: r.ID}}}))
	setIndex(ctx, index)
	return none, err
}
