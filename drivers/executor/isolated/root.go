// SPDX-License-Identifier: MPL-2.0

package isolated

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// RootVariable names the environment variable by which the agent tells which
// paths of the host tasks see and where: its chroot_env in JSON. Without it the
// usual ones are shown.
const RootVariable = "NOMADLIKE_CHROOT_ENV"

// usualPaths are shown where they are.
var usualPaths = []string{
	"/bin", "/etc", "/lib", "/lib32", "/lib64", "/run/resolvconf", "/sbin", "/usr", "/run/systemd/resolve",
}

// shownPaths returns which paths of the host are shown at which in the root.
func shownPaths() (map[string]string, error) {
	shown := map[string]string{}
	if text := os.Getenv(RootVariable); text != "" {
		if err := json.Unmarshal([]byte(text), &shown); err != nil {
			return nil, fmt.Errorf("read %s: %w", RootVariable, err)
		}
		return shown, nil
	}
	for _, p := range usualPaths {
		shown[p] = p
	}
	return shown, nil
}

// hiddenPaths are the agent's own files in the task's directory, and secrets of
// the host that capabilities would let a task read.
var hiddenPaths = []string{
	"/private", "/executor.out", "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/ssl/private",
	"/etc/nomad.d", "/etc/nomad", "/etc/nomadlike", "/etc/nomadlike.d",
}

// layout collects the entries of a root.
type layout struct {
	config *drivers.TaskConfig
	root   *shim.Root
}

// newRoot lays out the root of a task: its own directory, with the rest placed
// in it. state is the directory of the shim, which no task may reach. ownName gives
// it a name of its own where the network has none.
func newRoot(config *drivers.TaskConfig, state shim.Place, ownName bool) (*shim.Root, error) {
	l := &layout{config: config, root: &shim.Root{}}
	l.place(config.Name) // the root itself
	if err := l.host(); err != nil {
		return nil, err
	}
	l.kernel()
	l.bindPlace("/alloc", false, "alloc")
	l.bindPlace("/alloc/logs", true, "alloc", "logs")
	l.bindPlace("/secrets", false, config.Name, "secrets")
	for _, hidden := range hiddenPaths {
		l.add(shim.Entry{Kind: shim.EntryHide, Target: hidden})
	}
	if len(state.Names) == 2 {
		l.add(shim.Entry{Kind: shim.EntryHide, Target: "/" + state.Names[1]})
	}
	if err := l.names(ownName); err != nil {
		return nil, err
	}
	if err := l.mounts(); err != nil { // over what is made for the task
		return nil, err
	}
	return l.root, l.resolver()
}

func (l *layout) add(entry shim.Entry) { l.root.Entries = append(l.root.Entries, entry) }

// place hands over a directory below that of the allocation.
func (l *layout) place(names ...string) int {
	l.root.Places = append(l.root.Places, shim.Place{Base: l.config.AllocDir, Names: names})
	return len(l.root.Places)
}

func (l *layout) bindPlace(target string, readonly bool, names ...string) {
	l.add(shim.Entry{Kind: shim.EntryBind, Target: target, Dir: l.place(names...), Source: strings.Join(names, "/"), ReadOnly: readonly, Mapped: true})
}

// host shows parts of the host. Another host than ours may have copied them into
// the task's directory before; then that is what the task gets.
func (l *layout) host() error {
	shown, err := shownPaths()
	if err != nil {
		return err
	}
	for _, source := range slices.Sorted(maps.Keys(shown)) {
		target := path.Clean("/" + shown[source])
		st, err := os.Lstat(source)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && l.has(target):
			continue
		case err != nil:
			return fmt.Errorf("show %s to the task: %w", source, err)
		case st.Mode()&fs.ModeSymlink != 0:
			text, err := os.Readlink(source)
			if err != nil {
				return fmt.Errorf("show %s to the task: %w", source, err)
			}
			l.add(shim.Entry{Kind: shim.EntryLink, Target: target, Source: text, Optional: true})
		case st.IsDir() || st.Mode().IsRegular():
			l.add(shim.Entry{Kind: shim.EntryBind, Target: target, Source: source, ReadOnly: true, Optional: true})
		}
	}
	return nil
}

// has reports whether the task's directory has something of its own at a path
// of the root. An empty directory is a mount point of an earlier start.
func (l *layout) has(target string) bool {
	root, err := os.OpenRoot(l.config.TaskDir())
	if err != nil {
		return false
	}
	defer root.Close()
	name := strings.TrimPrefix(target, "/")
	st, err := root.Lstat(name)
	switch {
	case err != nil || st.Mode()&fs.ModeSymlink != 0:
		return false
	case !st.IsDir():
		return st.Size() > 0
	}
	dir, err := root.Open(name)
	if err != nil {
		return false
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(1)
	return len(names) > 0
}

// devices are the nodes that every task has.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// kernel shows what the kernel offers, without what concerns the whole machine.
func (l *layout) kernel() {
	mount := func(kind, target, options string, entry shim.Entry) {
		entry.Kind, entry.Source, entry.Target, entry.Options = shim.EntryMount, kind, target, options
		l.add(entry)
	}
	mount("proc", "/proc", "", shim.Entry{NoExec: true})
	mount("tmpfs", "/dev", "mode=755,size=65536k", shim.Entry{NoExec: true})
	for _, name := range devices {
		l.add(shim.Entry{Kind: shim.EntryBind, Target: "/dev/" + name, Source: "/dev/" + name, Devices: true, NoExec: true, Optional: true})
	}
	for target, source := range map[string]string{
		"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0", "/dev/stdout": "/proc/self/fd/1",
		"/dev/stderr": "/proc/self/fd/2", "/dev/ptmx": "pts/ptmx",
	} {
		l.add(shim.Entry{Kind: shim.EntryLink, Target: target, Source: source})
	}
	mount("devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620,gid=5", shim.Entry{NoExec: true, Devices: true})
	mount("tmpfs", "/dev/shm", "mode=1777,size=65536k", shim.Entry{NoExec: true})
	mount("mqueue", "/dev/mqueue", "", shim.Entry{NoExec: true})
	mount("sysfs", "/sys", "", shim.Entry{NoExec: true, ReadOnly: true})
	for _, target := range []string{
		"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats", "/proc/acpi",
		"/proc/scsi", "/sys/firmware",
	} {
		l.add(shim.Entry{Kind: shim.EntryHide, Target: target})
	}
	for _, target := range []string{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"} {
		l.add(shim.Entry{Kind: shim.EntryLock, Target: target})
	}
}

// mounts shows volumes and devices.
func (l *layout) mounts() error {
	for _, m := range l.config.Mounts {
		entry := shim.Entry{Kind: shim.EntryBind, Target: path.Clean("/" + m.TaskPath), Source: m.HostPath, ReadOnly: m.Readonly, Mapped: true}
		switch m.Propagation {
		case drivers.PropagationHostToTask:
			entry.Propagation = "slave"
		case drivers.PropagationBidirectional:
			entry.Propagation = "shared"
		}
		l.add(entry)
	}
	for _, d := range l.config.Devices {
		// The node is shown or it is not; rights below that would need the
		// control group of devices.
		if !strings.Contains(d.Permissions, "r") || !strings.Contains(d.Permissions, "w") {
			return fmt.Errorf("device %s: only permissions rw and rwm can be given to a task of this driver, not %q", d.HostPath, d.Permissions)
		}
		l.add(shim.Entry{Kind: shim.EntryBind, Target: path.Clean("/" + d.TaskPath), Source: d.HostPath, Devices: true, NoExec: true})
	}
	return nil
}

// The resolver configuration, and where it really is if the usual file names a
// stub on the loopback of the host.
const (
	resolvConf = "/etc/resolv.conf"
	resolvReal = "/run/systemd/resolve/resolv.conf"
)

// resolver shows the name servers that the job asks for.
func (l *layout) resolver() error {
	if l.config.DNS == nil {
		return nil
	}
	host, err := os.ReadFile(resolvConf)
	if real, e := os.ReadFile(resolvReal); e == nil && strings.Contains(string(host), "nameserver 127.0.0.53") {
		host = real
	}
	if err != nil {
		return fmt.Errorf("read the resolver configuration of the host: %w", err)
	}
	return l.file("resolv.conf", resolvConf, drivers.ResolvConf(host, l.config.DNS))
}

// file shows the task a file that is made for it.
func (l *layout) file(name, target string, text []byte) error {
	// No task can write to the directory of the allocation itself.
	file := filepath.Join(l.config.AllocDir, "."+l.config.Name+"."+name)
	err := os.WriteFile(file, text, 0o644)
	if err == nil {
		err = os.Chmod(file, 0o644) // whatever the umask is
	}
	if err != nil {
		return fmt.Errorf("write the %s of the task: %w", target, err)
	}
	l.add(shim.Entry{Kind: shim.EntryBind, Target: target, Source: file, ReadOnly: true})
	return nil
}

// places lists where a command is looked for, and how many of these are in the
// task's own directories, of which a program is made executable. What the root
// has of the host cannot be changed; a volume can, and stays as it is.
func places(command string, mounts []*drivers.Mount) (list []string, fetched int) {
	list = []string{path.Join("/local", command), path.Join("/", command)}
	for fetched < len(list) && !inMount(list[fetched], mounts) {
		fetched++
	}
	for _, m := range mounts {
		target := path.Clean("/" + m.TaskPath)
		list = append(list, path.Join(target, command))
	}
	for _, dir := range []string{"/usr/local/bin", "/usr/bin", "/bin"} {
		list = append(list, path.Join(dir, command))
	}
	return list, fetched
}

func inMount(file string, mounts []*drivers.Mount) bool {
	return slices.ContainsFunc(mounts, func(m *drivers.Mount) bool {
		return strings.HasPrefix(file+"/", strings.TrimSuffix(path.Clean("/"+m.TaskPath), "/")+"/")
	})
}
