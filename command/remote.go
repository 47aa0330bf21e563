// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/nomadlike/nomadlike/api/client"
)

// remoteRun is what a command that talks to an agent does.
type remoteRun func(ctx context.Context, m *meta, c *client.Client, args []string) error

// remotely checks the output flags, if there are any, makes the client and runs fn.
func remotely(out *output, fn remoteRun) func(ctx context.Context, m *meta, args []string) error {
	return func(ctx context.Context, m *meta, args []string) error {
		if out != nil {
			if err := out.check(); err != nil {
				return err
			}
		}
		c, err := m.client()
		if err != nil {
			return err
		}
		return fn(ctx, m, c, args)
	}
}

// oneOf finds the object whose name is id, or the only one whose name starts with it. kind is its plural.
func oneOf[T any](m *meta, kind, none, id string, all []T, name func(T) string, rows func([]T) [][]string) (found T, err error) {
	var like []T
	for _, v := range all {
		if name(v) == id {
			return v, nil
		}
		if strings.HasPrefix(name(v), id) {
			like = append(like, v)
		}
	}
	switch len(like) {
	case 0:
		return found, fmt.Errorf("%s", none)
	case 1:
		return like[0], nil
	}
	return found, ambiguous(m, "Prefix matched multiple "+kind, rows(like))
}

// keyValues lays out a map in the order of its keys.
func keyValues(m map[string]string) string {
	var kv []string
	for _, k := range sortedKeys(m) {
		kv = append(kv, k, m[k])
	}
	return pairs(kv...)
}
