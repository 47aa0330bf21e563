// SPDX-License-Identifier: MPL-2.0

package allocdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// Names of the parts of an allocation directory.
const (
	Shared  = "alloc"
	Logs    = "logs"
	Data    = "data"
	Tmp     = "tmp"
	Local   = "local"
	Secrets = "secrets"
	Private = "private"

	// marker is an empty file that says that a directory is a mount of ours.
	marker = ".nomad-mount"

	// held is a directory beside those of the allocations in which the docker driver mounts what jobs have containers see of
	// them, under names that begin with the ID of the allocation. Of containers that it loses sight of they stay. The driver's
	// test holds the two names together.
	held = ".held"
)

// Root is the directory that holds the directories of all allocations of a client.
type Root struct {
	path   string
	root   *os.Root
	logger hclog.Logger
	owner  owner
	quotas *quotas // nil where the file system has none

	warnTmpfs sync.Once
}

// makeRoot makes the directory unless it exists. Tasks of other users than the agent's reach their own through it,
// whatever the umask is.
func makeRoot(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(path, 0o711) // says what else it is
	}
	if err := os.MkdirAll(path, 0o711); err != nil {
		return err
	}
	return os.Chmod(path, 0o711)
}

// OpenRoot opens the directory, creating it if need be.
func OpenRoot(path string, logger hclog.Logger) (*Root, error) {
	if err := makeRoot(path); err != nil {
		return nil, fmt.Errorf("create allocation directory: %w", err)
	}
	abs, err := filepath.Abs(path)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return nil, fmt.Errorf("resolve allocation directory: %w", err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("open allocation directory: %w", err)
	}
	r := &Root{path: abs, root: root, logger: logger, owner: nobody(), quotas: newQuotas(root)}
	if r.quotas != nil {
		logger.Info("allocations are kept within the size of their ephemeral disk by project quotas", "path", abs)
	}
	return r, nil
}

// Path is the absolute path of the directory.
func (r *Root) Path() string { return r.path }

// Close releases the handle. It leaves the directory as it is.
func (r *Root) Close() error { return r.root.Close() }

// List returns the IDs of the allocations that have a directory.
func (r *Root) List() ([]string, error) {
	d, err := r.root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("list allocation directories: %w", err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list allocation directories: %w", err)
	}
	ids := names[:0]
	for _, n := range names {
		if validAllocID(n) {
			ids = append(ids, n)
		}
	}
	return ids, nil
}

// Create makes the shared part of an allocation's directory, or completes it, and opens it. Where the file system has
// project quotas everything in the directory together takes no more than sizeMB MiB, 0 for no limit.
func (r *Root) Create(id string, sizeMB int) (*Dir, error) {
	if !validAllocID(id) {
		return nil, fmt.Errorf("allocation id %q cannot name a directory", id)
	}
	if err := mkdir(r.root, id, 0o755, noOwner); err != nil {
		return nil, fmt.Errorf("create allocation directory: %w", err)
	}
	d, err := r.Open(id)
	if err != nil {
		return nil, err
	}
	if err := r.quotas.limit(d.root, int64(sizeMB)<<20); err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("limit allocation directory: %w", err)
	}
	for _, name := range []string{Shared, Shared + "/" + Data, Shared + "/" + Logs, Shared + "/" + Tmp} {
		if err := mkdir(d.root, name, 0o777, r.owner); err != nil {
			_ = d.Close()
			return nil, fmt.Errorf("create shared directory: %w", err)
		}
	}
	return d, nil
}

// Open opens the directory of an allocation that exists.
func (r *Root) Open(id string) (*Dir, error) {
	if !validAllocID(id) {
		return nil, fmt.Errorf("allocation id %q cannot name a directory", id)
	}
	root, err := openDir(r.root, id)
	if err != nil {
		return nil, fmt.Errorf("open allocation directory: %w", err)
	}
	return &Dir{parent: r, id: id, path: filepath.Join(r.path, id), root: root}, nil
}

// Destroy removes the directory of an allocation and all that is in it. What is mounted below it is
// unmounted first; if that fails nothing is removed, because it could be anything.
func (r *Root) Destroy(id string) error {
	if !validAllocID(id) {
		return fmt.Errorf("allocation id %q cannot name a directory", id)
	}
	if err := unmountBelow(filepath.Join(r.path, id)); err != nil {
		return fmt.Errorf("unmount what is below the allocation directory: %w", err)
	}
	if err := r.release(id); err != nil {
		return fmt.Errorf("unmount what a driver has left beside the allocation directory: %w", err)
	}
	project := r.project(id)
	if err := removeAll(r.root, id); err != nil {
		return fmt.Errorf("remove allocation directory: %w", err)
	}
	if err := r.quotas.free(project); err != nil {
		r.logger.Warn("quota of an allocation is left behind", "alloc_id", id, "project", project, "error", err)
	}
	return nil
}

// release takes away what a driver has left mounted for an allocation.
func (r *Root) release(id string) error {
	entries, err := fs.ReadDir(r.root.FS(), held)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), id+"-") {
			continue
		}
		err := unmountBelow(filepath.Join(r.path, held, e.Name()))
		if err == nil {
			err = removeAll(r.root, filepath.Join(held, e.Name()))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// project returns the one that limits an allocation's directory, 0 for none.
func (r *Root) project(id string) uint32 {
	d, err := openDir(r.root, id)
	if err != nil {
		return 0
	}
	defer d.Close()
	project, err := r.quotas.project(d)
	if err != nil {
		return 0
	}
	return project
}

// validAllocID accepts what IDs look like, which keeps everything else in the directory alone.
func validAllocID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return true
}

// CheckTaskName reports task names that cannot have a directory of their own.
func CheckTaskName(name string) error {
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00"):
		return fmt.Errorf("task name %q cannot name a directory", name)
	case name == Shared:
		return fmt.Errorf("task name %q is the name of the shared directory; rename the task", name)
	case len(name) > 255:
		return fmt.Errorf("task name %q is too long for a directory", name[:32]+"…")
	}
	return nil
}

// mkdir makes one directory with exactly the mode and owner, or accepts the one that is there.
func mkdir(root *os.Root, name string, mode fs.FileMode, who owner) error {
	info, err := root.Lstat(filepath.FromSlash(name))
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is in the way and is not a directory", name)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := root.Mkdir(filepath.FromSlash(name), mode.Perm()&0o777); errors.Is(err, fs.ErrExist) {
		return mkdir(root, name, mode, who) // somebody was faster
	} else if err != nil {
		return err
	}
	// The mode given to Mkdir loses what the umask says and the sticky bit.
	if err := root.Chmod(filepath.FromSlash(name), mode); err != nil {
		return err
	}
	return who.give(root, filepath.FromSlash(name))
}

// openDir opens a directory that is one, not a link to one.
func openDir(root *os.Root, name string) (*os.Root, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotDirectory}
	}
	sub, err := root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	opened, err := sub.Stat(".")
	if err == nil && !os.SameFile(info, opened) {
		err = errMoved
	}
	if err != nil {
		_ = sub.Close()
		return nil, err
	}
	return sub, nil
}
