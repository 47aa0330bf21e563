// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"context"
	"fmt"
	"net/url"
	"time"

	getter "github.com/hashicorp/go-getter/v2"
)

// timed ends a download when the time that a setting of the client gives it is over. go-getter's own limits name no
// setting, and those for other programs kill them and then wait for what they have started, which holds their output;
// that ends with the child.
type timed struct {
	getter.Getter
	key   string
	limit time.Duration
}

// Mode implements getter.Getter.
func (t *timed) Mode(ctx context.Context, u *url.URL) (getter.Mode, error) {
	return within(t, func() (getter.Mode, error) { return t.Getter.Mode(ctx, u) })
}

// Get implements getter.Getter.
func (t *timed) Get(ctx context.Context, req *getter.Request) error {
	_, err := within(t, func() (struct{}, error) { return struct{}{}, t.Getter.Get(ctx, req) })
	return err
}

// GetFile implements getter.Getter.
func (t *timed) GetFile(ctx context.Context, req *getter.Request) error {
	_, err := within(t, func() (struct{}, error) { return struct{}{}, t.Getter.GetFile(ctx, req) })
	return err
}

func within[T any](t *timed, do func() (T, error)) (got T, err error) {
	if t.limit <= 0 {
		return do()
	}
	type result struct {
		got T
		err error
	}
	done := make(chan result, 1)
	go func() { // ends with the child at the latest
		got, err := do()
		done <- result{got, err}
	}()
	late := time.NewTimer(t.limit)
	defer late.Stop()
	select {
	case r := <-done:
		return r.got, r.err
	case <-late.C:
		return got, fmt.Errorf("the download takes longer than %s of the client allows (%s)", t.key, t.limit)
	}
}
