// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"bytes"
	"context"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
)

// Content types of profiles.
const (
	typeBinary = "application/octet-stream"
	typeText   = "text/plain; charset=utf-8"
)

// maxProfile bounds how long a profile is taken, in seconds.
const maxProfile = 600

// mayDebug refuses what tells much of the process unless it is switched on: without access control everybody may ask.
func (a *Agent) mayDebug() error {
	if !a.cfg.EnableDebug {
		return api.Errorf(api.ClassDenied, "Permission denied")
	}
	return nil
}

// profile takes a runtime profile of this process.
func (a *Agent) profile(ctx context.Context, r *api.AgentProfileRequest, s api.Stream) error {
	if err := a.mayDebug(); err != nil {
		return err
	}
	if r.Seconds < 0 || r.Seconds > maxProfile {
		return api.Errorf(api.ClassInvalid, "seconds: %d is not between 0 and %d", r.Seconds, maxProfile)
	}
	var b bytes.Buffer
	kind := typeBinary
	var err error
	switch r.Profile {
	case "cmdline":
		b.WriteString(strings.Join(os.Args, "\x00"))
		kind = typeText
	case "profile", "trace":
		// A server and a client in one agent may be asked at once.
		select {
		case profiling <- struct{}{}:
			defer func() { <-profiling }()
		case <-ctx.Done():
			return ctx.Err()
		}
		err = record(ctx, &b, r.Profile, r.Seconds)
	default:
		p := pprof.Lookup(r.Profile)
		if p == nil {
			return api.Errorf(api.ClassNotFound, "Pprof profile not found profile: %s", r.Profile)
		}
		if r.GC > 0 && r.Profile == "heap" {
			runtime.GC()
		}
		if r.Debug > 0 {
			kind = typeText
		}
		err = p.WriteTo(&b, r.Debug)
	}
	if err != nil {
		return api.CodeErrorf(api.ClassUnavailable, 500, "take profile %q: %s", r.Profile, err)
	}
	return s.Send(&api.Chunk{ContentType: kind, Data: b.Bytes()})
}

// profiling is held while a profile is recorded: a process records one at a time.
var profiling = make(chan struct{}, 1)

// record writes what the process does over the next seconds.
func record(ctx context.Context, w io.Writer, profile string, seconds int) error {
	if profile == "trace" {
		if err := trace.Start(w); err != nil {
			return err
		}
		defer trace.Stop()
	} else {
		if err := pprof.StartCPUProfile(w); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	last(ctx, seconds)
	return nil
}

// last waits for the length of a profile, one second when it is not given.
func last(ctx context.Context, seconds int) {
	_ = run.Sleep(ctx, time.Duration(max(seconds, 1))*time.Second)
}
