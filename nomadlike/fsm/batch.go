// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// BatchRequest applies several encoded commands as one: all of them or, when one is refused, none.
type BatchRequest struct {
	Entries [][]byte
}

// Batch answers with the []any of the commands' answers.
var Batch = Define(100, "Batch", func(w *state.WriteTx, p *BatchRequest) (any, error) {
	results := make([]any, 0, len(p.Entries))
	for i, entry := range p.Entries {
		c, payload, err := open(entry)
		if err != nil {
			return nil, err
		}
		if c.name == "Batch" {
			return nil, &damagedError{errors.New("batch inside a batch")}
		}
		w.SetMsg(c.name)
		r, err := c.run(w, payload)
		if err != nil {
			return nil, fmt.Errorf("command %d of %d (%s): %w", i+1, len(p.Entries), c.name, err)
		}
		results = append(results, r)
	}
	return results, nil
})

// sortedKeys returns the keys of m in order, for loops whose effect depends on it.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
