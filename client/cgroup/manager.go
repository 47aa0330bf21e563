// SPDX-License-Identifier: MPL-2.0

package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Parent is the group that all groups of the client are below, as the task variable NOMAD_PARENT_CGROUP
// names it by default: in version 2, and in version 1.
const (
	ParentV2 = "nomad.slice"
	ParentV1 = "/nomad"
)

// errUnavailable says that there are no control groups here.
var errUnavailable = errors.New("control groups are not available")

// tree is one version of the hierarchy; it works on files and keeps no state.
type tree interface {
	version() string
	// setup makes the partitions, of which usable are all cores.
	setup(usable []uint16) error
	// partition sets the cores of the shared partition and those of the reserved one.
	partition(shared, reserved []uint16) error
	// create makes the group of a task and returns what drivers are told of it.
	create(id string, cores []uint16) (path string, err error)
	// remove kills what is in the groups of a task and removes them.
	remove(id string) error
	// idle returns those of the tasks that may be looked at whose groups were made before and have nothing in them.
	idle(before time.Time, may func(id string) bool) []string
	// drop removes the groups of a task as far as nothing is in them, and reports whether all are gone.
	drop(id string) bool
}

// abandonedAfter is for how long a group must have been there to count as abandoned. Nothing tells which agent
// made it; but there is one only while its task is prepared and runs, so that one which has been empty for so long
// is hardly anybody's. Should it be, it is made again when the task starts.
const abandonedAfter = 24 * time.Hour

// Manager makes and removes the groups of tasks.
type Manager struct {
	logger hclog.Logger
	tree   tree // nil without control groups

	mu struct {
		sync.Mutex
		enabled  bool
		usable   []uint16
		reserved map[string][]uint16
	}
}

// New looks for the hierarchy of this machine. It changes nothing.
func New(logger hclog.Logger) *Manager {
	m := &Manager{logger: logger, tree: detect("/sys/fs/cgroup")}
	m.mu.reserved = map[string][]uint16{}
	return m
}

// Version is that of the machine's hierarchy, "1" or "2", or empty when there is none.
func (m *Manager) Version() string {
	if m.tree == nil {
		return ""
	}
	return m.tree.version()
}

// Parent is what tasks are told of the group that they are below; empty without control groups.
func (m *Manager) Parent() string {
	switch m.Version() {
	case "1":
		return ParentV1
	case "2":
		return ParentV2
	}
	return ""
}

// Setup makes the partitions; usable are the cores that tasks may use. Without permission it says so
// once, and tasks run without groups of their own.
func (m *Manager) Setup(usable []uint16) {
	err := errUnavailable
	if m.tree != nil {
		err = m.tree.setup(usable)
	}
	m.mu.Lock()
	m.mu.usable = slices.Clone(usable)
	m.mu.enabled = err == nil
	m.mu.Unlock()
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, errUnavailable):
		m.logger.Info("tasks run without control groups of their own", "reason", err)
	default:
		m.logger.Warn("tasks run without control groups of their own", "error", err)
	}
}

// Enabled reports whether tasks get groups; only then can they reserve cores.
func (m *Manager) Enabled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.enabled
}

// Create makes the group of a task and returns its path for the driver, empty without control groups.
// Cores are those that the task has for itself; nobody else uses them until Remove.
func (m *Manager) Create(alloc, task string, cores []uint16) (string, error) {
	if !m.Enabled() {
		return "", nil
	}
	id := alloc + "." + task
	if len(cores) > 0 {
		if err := m.reserve(id, cores); err != nil {
			return "", fmt.Errorf("reserve cores: %w", err)
		}
	}
	path, err := m.tree.create(id, cores)
	if err != nil {
		return "", fmt.Errorf("create control group: %w", err)
	}
	return path, nil
}

// Remove kills what is left of a task and removes its group.
func (m *Manager) Remove(alloc, task string) error {
	if !m.Enabled() {
		return nil
	}
	id := alloc + "." + task
	err := m.tree.remove(id)
	if err != nil {
		err = fmt.Errorf("remove control group: %w", err)
	}
	m.mu.Lock()
	_, had := m.mu.reserved[id]
	m.mu.Unlock()
	if had {
		if e := m.reserve(id, nil); e != nil {
			err = errors.Join(err, fmt.Errorf("give back cores: %w", e))
		}
	}
	return err
}

// RemoveAbandoned removes the groups that agents which never came back have left on this machine: those that are
// old and empty, whose allocations keep does not know. Nothing is killed. It returns how many tasks they were of.
func (m *Manager) RemoveAbandoned(ctx context.Context, now time.Time, keep func(alloc string) bool) int {
	if !m.Enabled() {
		return 0
	}
	may := func(id string) bool {
		alloc, _, ok := strings.Cut(id, ".")
		return ok && len(alloc) == idLength && !keep(alloc) && ctx.Err() == nil
	}
	removed := 0
	for _, id := range m.tree.idle(now.Add(-abandonedAfter), may) {
		if may(id) && m.tree.drop(id) {
			removed++
		}
	}
	return removed
}

// idLength is that of an allocation's ID.
const idLength = len("00000000-0000-0000-0000-000000000000")

// reserve gives cores to a task, none to take them back, and moves the partitions accordingly.
func (m *Manager) reserve(id string, cores []uint16) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.mu.reserved[id]
	if len(cores) == 0 {
		delete(m.mu.reserved, id)
	} else {
		m.mu.reserved[id] = slices.Clone(cores)
	}
	shared, reserved := m.splitLocked()
	if err := m.tree.partition(shared, reserved); err != nil {
		if len(cores) > 0 {
			if before == nil {
				delete(m.mu.reserved, id)
			} else {
				m.mu.reserved[id] = before
			}
		}
		return err
	}
	return nil
}

// splitLocked returns the cores of both partitions. The shared one is never empty.
func (m *Manager) splitLocked() (shared, reserved []uint16) {
	for _, cores := range m.mu.reserved {
		reserved = append(reserved, cores...)
	}
	slices.Sort(reserved)
	reserved = slices.Compact(reserved)
	for _, c := range m.mu.usable {
		if _, taken := slices.BinarySearch(reserved, c); !taken {
			shared = append(shared, c)
		}
	}
	if len(shared) == 0 {
		shared = m.mu.usable
	}
	return shared, reserved
}
