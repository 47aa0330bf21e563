// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client"
)

// devPrefix is how the names of the temporary directories of dev agents begin.
const devPrefix = "nomadlike-dev-"

// holdName is a file in such a directory that its agent keeps locked. It gets its name when it is locked, so that
// one that is not is that of an agent which is gone.
const holdName = "agent.lock"

// makeTemp makes the directory of a dev agent. If it is to be cleared after the agent was killed, it is held until
// then.
func (a *Agent) makeTemp(cleared bool) error {
	dir, err := os.MkdirTemp("", devPrefix)
	if err != nil {
		return fmt.Errorf("make a temporary data directory: %w", err)
	}
	a.temp = dir
	if cleared {
		if a.hold, err = hold(dir); err != nil {
			return fmt.Errorf("lock the temporary data directory: %w", err)
		}
	}
	return os.Chmod(dir, 0o755) // tasks of other users reach their allocation directories through it
}

// removeTemp removes it. What is busy stays behind, for the next dev agent.
func (a *Agent) removeTemp() {
	if a.temp == "" {
		return
	}
	if entries, err := os.ReadDir(a.temp); err == nil {
		for _, e := range entries {
			if e.Name() != holdName { // it goes last
				err = errors.Join(err, os.RemoveAll(filepath.Join(a.temp, e.Name())))
			}
		}
		if err == nil {
			os.RemoveAll(a.temp) //nolint:errcheck // the next dev agent tries again
		}
	}
	if a.hold != nil {
		a.hold.Close()
	}
}

// clearDead ends the tasks of dev agents that were killed, and removes their directories. Nobody else would: no
// agent is ever started with them again.
func (a *Agent) clearDead() {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), devPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		held, err := takeOver(dir)
		if err != nil || held == nil {
			continue // of an agent that lives, or not ours to remove
		}
		if err := a.clear(dir, held); err != nil {
			a.logger.Warn("what a dev agent that was killed has left cannot be removed", "path", dir, "error", err)
		}
	}
}

// clear runs the client of a dead agent once more, to its end at once, which is that of all it has.
func (a *Agent) clear(dir string, held *os.File) error {
	dead := &Agent{cfg: a.cfg, deps: a.deps, log: a.log, logger: a.logger, temp: dir, hold: held}
	allocs := filepath.Join(dir, "alloc")
	if left, err := os.ReadDir(allocs); err == nil && len(left) > 0 {
		a.logger.Info("a dev agent was killed and has left tasks; they are ended", "path", dir, "allocations", len(left))
		cfg := (&clientRole{agent: a}).config()
		cfg.StateDir, cfg.AllocDir = filepath.Join(dir, "client"), allocs
		c, err := client.New(cfg, client.Deps{Servers: noServers{}, Logger: a.log.Named("remains")})
		if err != nil {
			held.Close()
			return err
		}
		over, cancel := context.WithCancel(context.Background())
		cancel()
		if err = c.Run(over); err == nil {
			left, err = os.ReadDir(allocs)
		}
		if err != nil || len(left) > 0 {
			held.Close()
			return errors.Join(err, fmt.Errorf("%d allocations are left; the next dev agent tries again", len(left)))
		}
	}
	dead.removeTemp()
	return nil
}

// noServers is for a client that is not to talk to any.
type noServers struct{}

var errNoServers = errors.New("there are no servers")

func (noServers) Call(context.Context, *api.OpInfo, api.Request, any) (*api.Meta, error) {
	return nil, errNoServers
}

func (noServers) Open(context.Context, *api.OpInfo, api.Request) (api.Stream, error) {
	return nil, errNoServers
}
