// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"context"
	"errors"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
)

type clientRole struct{ servers api.Caller }

func newClientRole(*Agent) (*clientRole, error)       { return nil, errors.New("no client") }
func (c *clientRole) NodeID() string                  { return "" }
func (c *clientRole) HasAlloc(string) bool            { return false }
func (c *clientRole) Handlers() *opset.Set            { return nil }
func (c *clientRole) serverAddrs() []string           { return nil }
func (c *clientRole) stats() map[string]string        { return nil }
func (c *clientRole) run(ctx context.Context) error   { <-ctx.Done(); return nil }
