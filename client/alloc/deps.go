// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"context"
	"io"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/client/network"
	"github.com/nomadlike/nomadlike/client/services"
	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/client/task"
)

// Deps are what all allocations of a client share.
type Deps struct {
	Tasks *task.Deps
	Dirs  *allocdir.Root
	// Networks connects the network namespaces of allocations.
	Networks Networks
	// StepRan is told how long a step of the preparation took and how it went; nil for nobody.
	StepRan func(step string, took time.Duration, err error)
	// Report is told that the status of an allocation has changed. It must not block.
	Report func(r *Runner)
	// FetchPrevious waits for the end of the allocation that the given one replaces, which another node ran,
	// and hands the archive of its data to take. Nil for a client that cannot.
	FetchPrevious func(ctx context.Context, a *api.Allocation, take func(io.Reader) error) error
	// Probe runs a check of a service once; services.Check.Probe when nil.
	Probe func(context.Context, *services.Check) services.Outcome
	// Previous returns the runner of an allocation of this client, nil when there is none.
	Previous func(id string) *Runner
}

// Networks makes and connects network namespaces; client/network.Manager is one.
type Networks interface {
	CreateNamespace(allocID string) (path string, created bool, err error)
	RemoveNamespace(allocID string) error
	Attach(ctx context.Context, req *network.Request) (*api.AllocNetworkStatus, error)
	Check(ctx context.Context, req *network.Request) error
	Detach(ctx context.Context, req *network.Request) error
}

// Config is one allocation to run.
type Config struct {
	Deps  *Deps
	Alloc *api.Allocation
	// Restored is what was kept of the allocation, nil for a new one.
	Restored *statedb.AllocRecord
}

// expired is how an allocation ends that ran for longer than it may.
const expiredDescription = api.AllocClientDescMaxRunLimit

// previousWait bounds the wait for the allocation whose data is taken over.
const previousWait = 10 * time.Minute

// stallWait bounds the wait for the next part of that data once it comes from another node.
const stallWait = 5 * time.Minute
