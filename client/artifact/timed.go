// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"context"
	"fmt"
	"time"

	getter "github.com/hashicorp/go-getter/v2"
)

// timed ends a download by another program when its time is over. go-getter would kill that program and then wait for
// those that it has started, which hold its output; they end with the child.
type timed struct {
	getter.Getter
	key   string
	limit time.Duration
}

// Get implements getter.Getter.
func (t *timed) Get(ctx context.Context, req *getter.Request) error {
	return t.within(func() error { return t.Getter.Get(ctx, req) })
}

// GetFile implements getter.Getter.
func (t *timed) GetFile(ctx context.Context, req *getter.Request) error {
	return t.within(func() error { return t.Getter.GetFile(ctx, req) })
}

func (t *timed) within(get func() error) error {
	if t.limit <= 0 {
		return get()
	}
	done := make(chan error, 1)
	go func() { done <- get() }() // ends with the child at the latest
	late := time.NewTimer(t.limit)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return fmt.Errorf("the download takes longer than %s of the client allows (%s)", t.key, t.limit)
	}
}
