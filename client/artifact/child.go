// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	getter "github.com/hashicorp/go-getter/v2"
)

// Verb is the argument that makes this binary the child that downloads.
const Verb = "artifact-child"

// spec is what the child is told, on its standard input. The end of the input ends the child.
type spec struct {
	Address  string
	Mode     string
	Name     string
	Headers  map[string]string
	Insecure bool
	Limits   limits
	// Stage is the staging directory: Root is where the child makes its root, Work what it may write to.
	Stage string
	// Isolate makes a root of its own for the child, Restrict has the kernel refuse it other files than it
	// needs; Extra are further paths that it may read.
	Isolate, Restrict bool
	Extra             []string
	// KnownHosts is the file of the agent's user that says which servers ssh may trust; it need not exist.
	KnownHosts string
	// UID and GID are who the child becomes; negative for nobody else.
	UID, GID int
	// Env are variables from the agent.
	Env map[string]string
}

// answer is what the child says before it ends.
type answer struct {
	Error string
	// Final says that another try will not help.
	Final bool
	// Confined says how much of the host the child could see: "root", "landlock" or nothing.
	Confined string
}

// Names inside the staging directory.
const (
	stageRoot = "root"
	stageWork = "work"
	workOut   = "out"
	workTmp   = "tmp"
	// workWhole is in workTmp, what a part of is wanted.
	workWhole = "whole"
)

// Main is the child. It returns the exit status.
func Main() int {
	var s spec
	in := json.NewDecoder(os.Stdin)
	if err := in.Decode(&s); err != nil {
		fmt.Fprintln(os.Stderr, "this command is started by agents only")
		return 1
	}
	go func() {
		// Nobody writes: this returns when the agent has gone or gives up.
		_, _ = io.Copy(io.Discard, os.Stdin)
		endGroup()
		os.Exit(1)
	}()
	a := s.run()
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		return 1
	}
	endGroup() // with what a download that took too long has started
	return 0
}

// run confines the process and downloads.
func (s *spec) run() answer {
	work, how, err := s.confine()
	if err != nil {
		return answer{Error: fmt.Sprintf("make the sandbox of the download: %v", err), Final: true}
	}
	a := answer{Confined: how}
	if err := s.environment(work); err != nil {
		a.Error = err.Error()
		return a
	}
	if err := s.download(work); err != nil {
		a.Error = err.Error()
		a.Final = errors.Is(err, errFinal)
	}
	return a
}

// environment replaces the environment of the agent.
func (s *spec) environment(work string) error {
	path := os.Getenv("PATH")
	os.Clearenv()
	if s.Isolate || path == "" {
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	vars := map[string]string{
		"PATH": path, "TMPDIR": filepath.Join(work, workTmp), "HOME": filepath.Join(work, workTmp), "LANG": "C.UTF-8",
		// git never asks anybody, and reaches for nothing on this machine.
		"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "http:https:ssh:git", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.DevNull,
		"HGPLAIN": "1",
	}
	if s.Insecure {
		vars["GIT_SSL_NO_VERIFY"] = "1"
	}
	maps.Copy(vars, s.Env)
	for k, v := range vars {
		if err := os.Setenv(k, v); err != nil {
			return fmt.Errorf("set the environment of the download: %w", err)
		}
	}
	return nil
}

// errFinal marks failures that another try does not mend.
var errFinal = errors.New("download cannot succeed")

// finalError is an error with its own text that is errFinal.
type finalError struct{ text string }

func (e *finalError) Error() string        { return e.text }
func (e *finalError) Is(target error) bool { return target == errFinal }

// overSSH matches addresses that a download goes to over ssh.
var overSSH = regexp.MustCompile(`^(?:[a-z]+::)?(?:ssh://|[^/@]+@[^/:]+:)`)

// advice is what ssh does not say when it fails, or "".
func (s *spec) advice() string {
	if !overSSH.MatchString(s.Address) {
		return ""
	}
	return " (over ssh, options.sshkey is a private key without a password, in base64, and the client must know the key of the server: " +
		"it looks in /etc/ssh/ssh_known_hosts, and in .ssh/known_hosts of the user that the agent runs as)"
}

// download fetches the artifact into the directory out of work.
func (s *spec) download(work string) error {
	out := filepath.Join(work, workOut)
	req := &getter.Request{Src: s.Address, Dst: out, GetMode: getter.ModeAny, DisableSymlinks: true, Umask: 0o022}
	switch s.Mode {
	case ModeFile:
		req.GetMode, req.Dst = getter.ModeFile, filepath.Join(out, s.Name)
	case ModeDir:
		req.GetMode = getter.ModeDir
	}
	sub := ""
	if s.Mode != ModeFile {
		// go-getter would copy the part that is wanted, and refuses all links then.
		if req.Src, sub = getter.SourceDirSubdir(s.Address); sub != "" {
			req.Dst = filepath.Join(work, workTmp, workWhole)
		}
	}
	c := &getter.Client{Getters: s.getters(), DisableSymlinks: true, Decompressors: s.decompressors()}
	if _, err := c.Get(context.Background(), req); err != nil {
		// Its own text has a path of the sandbox, and the name of a type.
		if differs := (*getter.ChecksumError)(nil); errors.As(err, &differs) {
			return fmt.Errorf("checksums did not match: expected %x, got %x", differs.Expected, differs.Actual)
		}
		return errors.New(strings.TrimSpace(err.Error()) + s.advice())
	}
	if sub != "" {
		if err := takePart(work, sub); err != nil {
			return &finalError{err.Error()}
		}
	}
	entries, err := os.ReadDir(out)
	if err != nil || len(entries) == 0 {
		return &finalError{"the source gave nothing: over http and https it must be a file or an archive, for other archives than those " +
			"known by their extension set options.archive"}
	}
	return nil
}

// takePart moves what is in a directory of what was downloaded, which may be given by a pattern, to the directory out.
func takePart(work, sub string) error {
	whole := filepath.Join(work, workTmp, workWhole)
	found, err := getter.SubdirGlob(whole, sub)
	if err != nil {
		return fmt.Errorf("find %q in the source: %w", sub, err)
	}
	part, err := filepath.Rel(work, found)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(work)
	if err != nil {
		return err
	}
	defer root.Close()
	dir, err := root.Open(part)
	if err != nil {
		return fmt.Errorf("the source has no directory %q: %w", sub, err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return fmt.Errorf("%q of the source is no directory: %w", sub, err)
	}
	if err := root.MkdirAll(workOut, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		from := filepath.Join(part, name)
		info, err := root.Lstat(from)
		if err != nil {
			return err
		}
		if err := move(root, from, root, filepath.Join(workOut, name), info); err != nil {
			return err
		}
	}
	return nil
}
