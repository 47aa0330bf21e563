// SPDX-License-Identifier: MPL-2.0

package command

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// TestDrainInterrupted: somebody who stops following a drain with Ctrl-C is not told of an error.
func TestDrainInterrupted(t *testing.T) {
	a := newCannedAgent(t)
	c, err := client.New(client.Config{Address: a.srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out bytes.Buffer
	m := &meta{streams: streams{in: strings.NewReader(""), out: &out, err: &out}, spec: nodeDrainCommand()}
	if code := m.fail((&drainFlags{}).follow(ctx, m, c, &api.Node{ID: "n"}, 1)); code != 1 || out.Len() > 0 {
		t.Errorf("interrupted with status %d and %q", code, out.String())
	}
}
