// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

func clientStateCommand() *spec {
	return &spec{
		usage: "operator client-state <state dir>", synopsis: "Print the state of a client on disk", args: exactly(1, "<state dir>"), completes: completeDirs,
		long: "Prints what a client remembers of its allocations, as JSON; of the handles of running tasks only how much there is.\n" + offlineNote +
			"\n\nExample:\n\n    $ nomadlike operator client-state /var/lib/nomad/client",
		run: func(_ context.Context, m *meta, args []string) error {
			path, err := clientStateFile(args[0])
			if err != nil {
				return err
			}
			db, err := statedb.OpenReadOnly(path, hclog.NewNullLogger())
			if err != nil {
				return err
			}
			defer db.Close()
			return writeClientState(m, db)
		},
	}
}

// clientStateFile finds the file in the client's directory, or in the agent's.
func clientStateFile(dir string) (string, error) {
	for _, path := range []string{filepath.Join(dir, "state.db"), filepath.Join(dir, "client", "state.db"), dir} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("no client state (state.db) found in %s", dir)
}

// clientAlloc is what is printed of an allocation.
type clientAlloc struct {
	Alloc  json.RawMessage
	Status json.RawMessage
	Tasks  map[string]*clientTask
}

// clientTask is what is printed of a task. The handle itself stays out: it has the task's whole environment.
type clientTask struct {
	State       json.RawMessage
	Pending     string `json:",omitempty"`
	HandleState string `json:",omitempty"`
	HandleData  int    `json:",omitempty"`
	Hooks       map[string]string
}

// writeClientState prints what can be read, and returns what could not.
func writeClientState(m *meta, db *statedb.DB) error {
	records, failed := db.Allocs()
	out := map[string]map[string]*clientAlloc{"Allocations": {}}
	for _, r := range records {
		a := &clientAlloc{Tasks: map[string]*clientTask{}}
		var errs [2]error
		a.Alloc, errs[0] = typeinfo.Marshal(r.Alloc, typeinfo.Response)
		a.Status, errs[1] = typeinfo.Marshal(&r.Status, typeinfo.Response)
		failed = errors.Join(failed, errs[0], errs[1])
		for n, t := range r.Tasks {
			ct := &clientTask{Pending: t.Handle.Pending, Hooks: t.Hooks}
			if h := t.Handle.Handle; h != nil {
				ct.HandleState, ct.HandleData = string(h.State), len(h.DriverState)
			}
			var err error
			ct.State, err = typeinfo.Marshal(t.State, typeinfo.Response)
			failed = errors.Join(failed, err)
			a.Tasks[n] = ct
		}
		out["Allocations"][r.Alloc.ID] = a
	}
	data, err := json.Marshal(out)
	if err != nil {
		return errors.Join(failed, err)
	}
	text, err := sortKeys(data)
	if err != nil {
		return errors.Join(failed, err)
	}
	fmt.Fprintln(m.out, text)
	return failed
}
