// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
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
	case "profile":
		if err = pprof.StartCPUProfile(&b); err == nil {
			last(ctx, r.Seconds)
			pprof.StopCPUProfile()
		}
	case "trace":
		if err = trace.Start(&b); err == nil {
			last(ctx, r.Seconds)
			trace.Stop()
		}
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

// last waits for the length of a profile, one second when it is not given.
func last(ctx context.Context, seconds int) {
	t := time.NewTimer(time.Duration(max(seconds, 1)) * time.Second)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
