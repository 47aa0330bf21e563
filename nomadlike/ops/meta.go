// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"runtime/debug"

	"github.com/nomadlike/nomadlike/api"
)

type metaKey struct{}

func withMeta(ctx context.Context, m *api.Meta) context.Context {
	return context.WithValue(ctx, metaKey{}, m)
}

// metaOf returns the meta that goes with the call's answer.
func metaOf(ctx context.Context) *api.Meta {
	if m, ok := ctx.Value(metaKey{}).(*api.Meta); ok {
		return m
	}
	return &api.Meta{}
}

// setIndex notes the raft index of a write.
func setIndex(ctx context.Context, index uint64) {
	m := metaOf(ctx)
	m.Index, m.HasIndex = index, true
}

func stack() string { return string(debug.Stack()) }
