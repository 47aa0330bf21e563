// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"runtime/debug"

	"github.com/nomadlike/nomadlike/api"
)

type metaKey struct{}

// callMeta is the meta of a call that runs here.
type callMeta struct {
	*api.Meta
	// contact notes in it how this server stands with the leader now; nil without a server.
	contact func()
}

func withMeta(ctx context.Context, m callMeta) context.Context {
	return context.WithValue(ctx, metaKey{}, m)
}

// metaOf returns the meta that goes with the call's answer.
func metaOf(ctx context.Context) *api.Meta {
	if m, ok := ctx.Value(metaKey{}).(callMeta); ok {
		return m.Meta
	}
	return &api.Meta{}
}

// renewContact notes how this server stands with the leader after a handler has waited.
func renewContact(ctx context.Context) {
	if m, ok := ctx.Value(metaKey{}).(callMeta); ok && m.contact != nil {
		m.contact()
	}
}

// setIndex notes the raft index of a write.
func setIndex(ctx context.Context, index uint64) {
	m := metaOf(ctx)
	m.Index, m.HasIndex = index, true
}

func stack() string { return string(debug.Stack()) }
