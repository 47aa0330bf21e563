// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// TestInputEnds: a command that waits for what nobody writes ends when it is told to.
func TestInputEnds(t *testing.T) {
	a := newCannedAgent(t)
	for name, read := range map[string]func(ctx context.Context, m *meta) error{
		"file":    func(ctx context.Context, m *meta) error { _, err := readSource(ctx, m, "-"); return err },
		"payload": func(_ context.Context, m *meta) error { _, err := readPayload(m, "-"); return err },
		"fmt":     func(_ context.Context, m *meta) error { return (&formatter{}).stdin(m) },
		"answer":  func(_ context.Context, m *meta) error { _, err := m.confirm("Really?"); return err },
		"request": func(ctx context.Context, m *meta) error {
			c, err := m.client()
			if err != nil {
				return err
			}
			return (&apiCall{method: http.MethodPost}).send(ctx, m, c, &url.URL{Path: "/v1/jobs"}, http.Header{}, true)
		},
	} {
		in, nobody := io.Pipe()
		ctx, end := context.WithCancel(t.Context())
		var out bytes.Buffer
		m := &meta{streams: streams{in: in, out: &out, err: &out, clock: a.now}, address: a.srv.URL, input: &input{ctx: ctx, r: in}}
		ended := make(chan error, 1)
		go func() { ended <- read(ctx, m) }()
		end()
		var exit exitError
		if err := <-ended; !errors.Is(err, context.Canceled) && !(errors.As(err, &exit) && exit == 1) {
			t.Errorf("%s ended with %v", name, err)
		}
		nobody.Close()
	}
}
