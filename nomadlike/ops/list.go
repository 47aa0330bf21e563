// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-bexpr"

	"github.com/nomadlike/nomadlike/api"
)

// page is how a list walks its rows: in the order of their tokens, those of other namespaces left out.
type page[T any] struct {
	// rows in order, starting at or before the next token.
	rows iter.Seq[*T]
	// token identifies a row in that order.
	token func(*T) string
	// namespace returns a row's namespace; nil for rows outside namespaces.
	namespace func(*T) string
	// before reports whether a row comes before the token asked for; nil compares token texts.
	before func(row *T, token string) bool
	// keep drops rows beyond the filter expression; nil keeps all.
	keep func(*T) bool
	// shown returns the row as readers see it, which the filter expression is about: it must not tell what they do not see.
	// Nil is for rows that are shown whole.
	shown func(*T) *T
}

// list runs the conventions of http-api.md 1.9 over the rows: namespace, filter on the full row, page size
// and next token. It returns a stub a row or, where the caller takes rows one by one and the answer is due, passes
// them on and returns none: everything that the index depends on must have been read before.
func list[T, S any](tx *readTx, p page[T], stub func(*T) S) ([]S, error) {
	o := tx.Options
	var eval *bexpr.Evaluator
	if o.Filter != "" {
		var err error
		if eval, err = bexpr.CreateEvaluator(o.Filter); err != nil {
			return nil, api.Errorf(api.ClassInvalid, "failed to create result paginator: failed to read filter expression: %v", err)
		}
	}
	ns := tx.namespace()
	out := []S{}
	if o.PerPage < 0 {
		return out, nil
	}
	passing := tx.rows != nil && o.PerPage == 0 && !tx.mustWait(tx.settle())
	before := p.before
	if before == nil {
		before = func(row *T, token string) bool { return p.token(row) < token }
		if o.Reverse {
			before = func(row *T, token string) bool { return p.token(row) > token }
		}
	}
	for row := range p.rows {
		if p.namespace != nil && ns != api.AllNamespaces && p.namespace(row) != ns {
			continue
		}
		if o.NextToken != "" && before(row, o.NextToken) {
			continue
		}
		if p.keep != nil && !p.keep(row) {
			continue
		}
		if eval != nil {
			full := row
			if p.shown != nil {
				full = p.shown(row)
			}
			ok, err := eval.Evaluate(full)
			if err != nil {
				return nil, api.Errorf(api.ClassInvalid, "failed to read result page: %v", err)
			}
			if !ok {
				continue
			}
		}
		if o.PerPage > 0 && len(out) == o.PerPage {
			tx.meta.NextToken = p.token(row)
			break
		}
		if !passing {
			out = append(out, stub(row))
			continue
		}
		if err := tx.rows.Row(tx.meta, stub(row)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// reversed walks a sequence backwards.
func reversed[T any](seq iter.Seq[*T]) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		var rows []*T
		for r := range seq {
			rows = append(rows, r)
		}
		for _, row := range slices.Backward(rows) {
			if !yield(row) {
				return
			}
		}
	}
}

// inOrder walks rows forwards, or backwards when the request says reverse.
func inOrder[T any](tx *readTx, seq iter.Seq[*T]) iter.Seq[*T] {
	if tx.Options.Reverse {
		return reversed(seq)
	}
	return seq
}

// createdToken is the token of rows ordered by creation.
func createdToken(index uint64, id string) string { return fmt.Sprintf("%d.%s", index, id) }

// splitCreated reads a createdToken; a text without a dot counts as index 0 and the text as ID.
func splitCreated(token string) (uint64, string) {
	num, id, ok := strings.Cut(token, ".")
	if !ok {
		return 0, token
	}
	n, err := strconv.ParseUint(num, 10, 64)
	if err != nil {
		return 0, token
	}
	return n, id
}

const uuidLength = 36

// checkID refuses an ID that cannot be a UUID with the contract's text.
func checkID(thing, id string) error {
	if len(id) != uuidLength {
		return api.CodeErrorf(api.ClassInvalid, 500, "%s lookup failed: index error: UUID must be 36 characters", thing)
	}
	return checkHex(thing, id)
}

// checkPrefix refuses a UUID prefix that the contract refuses.
func checkPrefix(thing, prefix string) error {
	if prefix == "" {
		return nil
	}
	digits := strings.ReplaceAll(prefix, "-", "")
	if len(prefix) > uuidLength || len(digits)%2 != 0 {
		return api.CodeErrorf(api.ClassInvalid, 500, "%s lookup failed: index error: Input (without hyphens) must be even length", thing)
	}
	return checkHex(thing, prefix)
}

// uuidOf returns the beginning of UUIDs that a good prefix means: hyphens count for nothing.
func uuidOf(prefix string) string {
	return hyphened(strings.ToLower(strings.ReplaceAll(prefix, "-", "")))
}

// hyphened puts the hyphens of a UUID between the digits of the beginning of one.
func hyphened(digits string) string {
	var b strings.Builder
	for i, c := range digits {
		switch i {
		case 8, 12, 16, 20:
			b.WriteByte('-')
		}
		b.WriteRune(c)
	}
	return b.String()
}

func checkHex(thing, id string) error {
	for _, c := range id {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F', c == '-':
		default:
			return api.CodeErrorf(api.ClassInvalid, 500, "%s lookup failed: index error: Invalid UUID: %q", thing, id)
		}
	}
	return nil
}
