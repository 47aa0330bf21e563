// SPDX-License-Identifier: MPL-2.0

package api

import "context"

// Rows takes the rows of a list while they are made, so that a long list never stands in memory as a whole.
type Rows interface {
	// Row takes the next row, a value of the list's element type, with the meta of the answer; an error means that
	// nobody wants the rest. The row belongs to the receiver until it returns.
	Row(meta *Meta, row any) error
}

type rowsKey struct{}

// WithRows lets the handler of a list give its rows to rows instead of returning them. A handler that does so returns
// an empty list; one that cannot, because the list runs on another agent or has pages, returns the list.
func WithRows(ctx context.Context, rows Rows) context.Context {
	return context.WithValue(ctx, rowsKey{}, rows)
}

// RowsOf returns what WithRows put into ctx, nil when the answer is wanted as a whole.
func RowsOf(ctx context.Context) Rows {
	rows, _ := ctx.Value(rowsKey{}).(Rows)
	return rows
}
