// SPDX-License-Identifier: MPL-2.0

package run

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestFirstFailureStopsTheGroup(t *testing.T) {
	boom := errors.New("boom")
	g := New(t.Context())
	g.Go("waits", func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
	g.Go("fails", func(context.Context) error { return boom })
	err := g.Wait()
	if !errors.Is(err, boom) || !strings.HasPrefix(err.Error(), "fails: ") {
		t.Fatalf("Wait() = %v, want the failure with its name", err)
	}
}

func TestMemberThatEndsLeavesTheOthers(t *testing.T) {
	g := New(t.Context())
	ended := make(chan struct{})
	g.Go("ends", func(context.Context) error { close(ended); return nil })
	g.Go("stays", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	<-ended
	if !slices.Contains(g.Running(), "stays") {
		t.Fatalf("Running() = %v, want the member that stays", g.Running())
	}
	if g.Context().Err() != nil {
		t.Fatal("group ended with its first member")
	}
	g.Stop()
	if err := g.Wait(); err != nil {
		t.Fatalf("Wait() = %v after a plain stop", err)
	}
	if len(g.Running()) != 0 {
		t.Fatalf("Running() = %v after Wait", g.Running())
	}
}

func TestPanicBecomesAnError(t *testing.T) {
	g := New(t.Context())
	g.Go("panics", func(context.Context) error { panic("lost") })
	if err := g.Wait(); err == nil || !strings.Contains(err.Error(), "panics: panic: lost") {
		t.Fatalf("Wait() = %v, want the panic", err)
	}
}

func TestParentEndStopsMembers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g := New(ctx)
	g.Go("stays", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	cancel()
	if err := g.Wait(); err != nil {
		t.Fatalf("Wait() = %v after the parent ended", err)
	}
}
