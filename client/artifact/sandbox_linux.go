// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// namespaces are those that the child of an agent that runs as root is started in.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// shown are the paths of the host that the programs of a download need, for reading.
var shown = []string{
	"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr",
	"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/ca-certificates.conf", "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf",
	"/etc/passwd", "/etc/group", "/etc/services", "/etc/protocols", "/etc/gai.conf", "/etc/ld.so.cache", "/etc/alternatives",
	"/etc/ssh/ssh_config", "/etc/ssh/ssh_known_hosts", "/etc/mercurial", "/etc/localtime",
	"/run/systemd/resolve", "/run/resolvconf",
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
}

// firstToGo makes a process the one that the kernel ends when memory is short.
const firstToGo = "1000"

// confine parts the process from the file system of the host and makes it unprivileged.
func (s *spec) confine() (work, how string, err error) {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return "", "", fmt.Errorf("switch off core files: %w", err)
	}
	// Archives say how much memory it takes to unpack them. When that is more than there is, the download has to end.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte(firstToGo), 0)
	unix.Umask(0o022) // the task runs as another user, whatever the agent keeps to itself
	work = filepath.Join(s.Stage, stageWork)
	if s.Isolate {
		if work, err = s.enterRoot(); err != nil {
			return "", "", err
		}
		how = "root"
	}
	if err := s.drop(); err != nil {
		return "", "", err
	}
	if s.Restrict {
		switch err := s.landlock(work); {
		case err == nil:
			how = "landlock"
		case !errors.Is(err, errNoLandlock):
			return "", "", fmt.Errorf("restrict access to files: %w", err)
		}
	}
	s.limitFiles()
	if _, err := os.ReadDir(work); err != nil {
		return "", "", fmt.Errorf("user %d cannot reach the staging directory; let everybody search the directories above alloc_dir: %w", s.UID, err)
	}
	return work, how, nil
}

// globalKnownHosts is where ssh looks besides /etc/ssh/ssh_known_hosts for the keys of servers.
const globalKnownHosts = "/etc/ssh/ssh_known_hosts2"

// maxKnownHosts bounds what is copied of a file of known servers.
const maxKnownHosts = 1 << 20

// showKnownHosts lets ssh trust the servers that the agent's user trusts. The file is copied, since it is open to that
// user only.
func showKnownHosts(root, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return nil // the agent's user knows no servers
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKnownHosts))
	if err != nil {
		return fmt.Errorf("read the known servers: %w", err)
	}
	if err := os.MkdirAll(root+filepath.Dir(globalKnownHosts), 0o755); err != nil {
		return err
	}
	return os.WriteFile(root+globalKnownHosts, text, 0o644)
}

// enterRoot makes a root that holds nothing but what a download needs.
func (s *spec) enterRoot() (string, error) {
	root := filepath.Join(s.Stage, stageRoot)
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "", fmt.Errorf("part from the mounts of the host: %w", err)
	}
	if err := unix.Mount("tmpfs", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=2m,mode=755"); err != nil {
		return "", fmt.Errorf("mount the root: %w", err)
	}
	work := "/" + stageWork
	if err := bind(filepath.Join(s.Stage, stageWork), root+work, false); err != nil {
		return "", err
	}
	for _, p := range shown {
		if err := show(root, p); err != nil {
			return "", err
		}
	}
	for _, p := range s.Extra {
		if err := showWhole(root, p); err != nil {
			return "", err
		}
	}
	if err := showKnownHosts(root, s.KnownHosts); err != nil {
		return "", err
	}
	if err := os.MkdirAll(root+"/proc", 0o755); err != nil {
		return "", err
	}
	// Without it, as in some containers, programs do without.
	_ = unix.Mount("proc", root+"/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	// An extra path may be below it; programs that look at TMPDIR do not care.
	if err := os.Symlink(work+"/"+workTmp, root+"/tmp"); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	_ = unix.Sethostname([]byte("localhost"))
	if err := os.Chdir(root); err != nil {
		return "", err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return "", fmt.Errorf("change the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return "", fmt.Errorf("leave the root of the host: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return "", err
	}
	if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return "", fmt.Errorf("make the root read-only: %w", err)
	}
	return work, nil
}

// show makes a path of the host appear in the root, read-only; what the host lacks is left out.
func show(root, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	target := filepath.Join(root, path)
	if info.Mode()&fs.ModeSymlink != 0 {
		link, err := os.Readlink(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(link, target); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	}
	return bind(path, target, !strings.HasPrefix(path, "/dev/"))
}

// showWhole is show for a path that may be a link to what is not shown.
func showWhole(root, path string) error {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(root, path)); err == nil {
		return show(root, target) // the link is in a directory that is shown
	}
	return bind(target, filepath.Join(root, path), !strings.HasPrefix(target, "/dev/"))
}

// bind mounts a path of the host at the target.
func bind(source, target string, readonly bool) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	parent := target
	if !info.IsDir() {
		parent = filepath.Dir(target)
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	if !info.IsDir() {
		if err := os.WriteFile(target, nil, 0o644); err != nil {
			return err
		}
	}
	if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("show %s: %w", source, err)
	}
	flags := uintptr(unix.MS_REMOUNT | unix.MS_BIND | unix.MS_NOSUID)
	if readonly {
		flags |= unix.MS_RDONLY | unix.MS_NODEV
	}
	if err := unix.Mount("", target, "", flags, ""); err != nil {
		return fmt.Errorf("protect %s: %w", source, err)
	}
	return nil
}

// drop makes the process an unprivileged user for good.
func (s *spec) drop() error {
	// Not in test binaries that use cgo; there the mounts without set-user-ID remain.
	if _, _, no := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); no != 0 && no != syscall.ENOTSUP {
		return fmt.Errorf("give up gaining privileges: %w", no)
	}
	if s.UID < 0 {
		return nil
	}
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("leave the groups of the agent: %w", err)
	}
	if err := syscall.Setresgid(s.GID, s.GID, s.GID); err != nil {
		return fmt.Errorf("become group %d: %w", s.GID, err)
	}
	if err := syscall.Setresuid(s.UID, s.UID, s.UID); err != nil {
		return fmt.Errorf("become user %d: %w", s.UID, err)
	}
	return nil
}

// limitFiles keeps a single file from growing beyond what any limit allows.
func (s *spec) limitFiles() {
	if s.Limits.HTTPSize <= 0 || s.Limits.UnpackSize <= 0 {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	most := uint64(max(s.Limits.HTTPSize, s.Limits.UnpackSize)) + 1<<20
	_ = unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: most, Max: most})
}

// endGroup ends the programs that the child has started.
func endGroup() {
	if os.Getpid() == 1 {
		return // the namespace ends with this process
	}
	if group, err := syscall.Getpgid(0); err == nil && group == os.Getpid() {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
}

// attributes are how the child is started.
func attributes(isolate bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if isolate {
		a.Cloneflags = namespaces
	}
	return a
}

// forbidden reports whether the kernel keeps this process from making namespaces.
func forbidden(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSPC)
}

// killGroup ends a child and what it started.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
