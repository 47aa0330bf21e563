// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/client/allocdir"
)

// Fetcher downloads artifacts for all tasks of a client.
type Fetcher struct {
	cfg     Config
	program []string
	logger  hclog.Logger
	env     map[string]string

	warnSandbox sync.Once
}

// New returns a fetcher. program and its arguments start this binary again, so that its first argument
// after them is Verb. The configuration must have been validated.
func New(cfg Config, program []string, logger hclog.Logger) *Fetcher {
	cfg.EnsureDefaults()
	return &Fetcher{cfg: cfg, program: program, logger: logger, env: cfg.variables(os.LookupEnv)}
}

// Target is where an artifact goes.
type Target struct {
	Dir  *allocdir.Dir
	Task string
	// Seen are the directories of the task as the task sees them, which Destination may begin with.
	Seen allocdir.Seen
	// Destination is a directory, in mode file the file.
	Destination string
	// Owner, unless nil, is given all files.
	Owner *Owner
}

// Owner is a user and a group by their numbers.
type Owner struct{ UID, GID int }

// Error is why a download failed. Its text has no secrets.
type Error struct {
	text string
	// Final says that another try will not help.
	Final bool
}

// Error implements error.
func (e *Error) Error() string { return e.text }

// Fetch downloads an artifact. It leaves nothing of one that fails. The error is an *Error unless the context
// has ended.
func (f *Fetcher) Fetch(ctx context.Context, to Target, req *Request) error {
	fail := func(final bool, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &Error{Final: final, text: fmt.Sprintf("failed to download artifact %q: %s", Redact(req.Source), req.conceal(err.Error()))}
	}
	address, err := req.address()
	if err != nil {
		return fail(true, err)
	}
	where, err := to.Dir.Inside(to.Task, to.Seen, to.Destination)
	if err != nil {
		return fail(true, fmt.Errorf("destination %q: %w", to.Destination, err))
	}
	stage, err := to.Dir.MakeStage(stageName(to.Task, address, to.Destination), stageRoot, stageWork, stageWork+"/"+workTmp)
	if err != nil {
		return fail(false, fmt.Errorf("make the staging directory: %w", err))
	}
	defer func() {
		if err := stage.Remove(); err != nil {
			f.logger.Warn("staging directory of an artifact cannot be removed", "path", stage.Path(), "error", err)
		}
	}()
	s := &spec{
		Address: address, Mode: req.Mode, Name: req.name(), Headers: req.Headers, Insecure: req.Insecure, Limits: f.cfg.limits(),
		Stage: stage.Path(), Extra: f.cfg.extraPaths(), Env: f.env, UID: -1, GID: -1,
		KnownHosts: knownHosts(),
	}
	s.UID, s.GID = stage.Owner()
	a, err := f.runChild(ctx, s)
	if err != nil {
		return fail(false, err)
	}
	if a.Error != "" {
		return fail(a.Final, errors.New(a.Error))
	}
	if err := f.install(stage, where, s, to.Owner); err != nil {
		return fail(errors.Is(err, errInspection), err)
	}
	return nil
}

// stageName names the staging directory of one artifact of a task, the same at each try.
func stageName(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return "artifact-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// runChild runs the child with as much of a sandbox as the machine has.
func (f *Fetcher) runChild(ctx context.Context, s *spec) (*answer, error) {
	if len(f.program) == 0 {
		return nil, errors.New("this agent cannot start the process that downloads")
	}
	isolation := !f.cfg.DisableFilesystemIsolation
	s.Isolate = isolation && os.Geteuid() == 0
	a, err := f.startChild(ctx, s)
	if s.Isolate && forbidden(err) {
		s.Isolate, s.Restrict = false, true
		a, err = f.startChild(ctx, s)
	}
	if err == nil && isolation && a.Confined == "" && a.Error == "" {
		f.warnSandbox.Do(func() {
			f.logger.Warn("artifacts are downloaded by a process that can see the files of this machine: neither namespaces nor landlock can be had")
		})
	}
	return a, err
}

// Bounds of what a child may say.
const (
	maxAnswer = 64 << 10
	maxStderr = 4 << 10
)

// exitWait is how long the output of a child that was killed is waited for.
const exitWait = 5 * time.Second

func (f *Fetcher) startChild(ctx context.Context, s *spec) (*answer, error) {
	s.Restrict = s.Restrict || !s.Isolate && !f.cfg.DisableFilesystemIsolation
	cmd := exec.CommandContext(ctx, f.program[0], append(f.program[1:len(f.program):len(f.program)], Verb)...)
	cmd.Dir = string(os.PathSeparator)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = attributes(s.Isolate)
	cmd.Cancel = func() error {
		killGroup(cmd.Process.Pid)
		return cmd.Process.Kill()
	}
	cmd.WaitDelay = exitWait
	out, errs := &head{limit: maxAnswer}, &head{limit: maxStderr}
	cmd.Stdout, cmd.Stderr = out, errs
	// The child ends with its input, so that none outlives the agent.
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the download: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the download: %w", err)
	}
	writeErr := json.NewEncoder(stdin).Encode(s)
	waitErr := cmd.Wait()
	var a answer
	switch err := json.Unmarshal(out.buf.Bytes(), &a); {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == nil && out.buf.Len() > 0:
		return &a, nil
	case waitErr != nil:
		return nil, fmt.Errorf("the download ended without a result: %w: %s", waitErr, bytes.TrimSpace(errs.buf.Bytes()))
	case writeErr != nil:
		return nil, fmt.Errorf("start the download: %w", writeErr)
	}
	return nil, errors.New("the download ended without a result")
}

// head keeps the first bytes of what is written to it.
type head struct {
	buf   bytes.Buffer
	limit int
}

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	if room := h.limit - h.buf.Len(); room > 0 {
		h.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
