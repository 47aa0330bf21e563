// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"io"
)

// input is a reader that ends with its context, which a pipe that nobody writes to and a terminal where nobody types do
// not. A Read that was under way then goes on by itself; what it gets is lost.
type input struct {
	ctx context.Context // Read takes none
	r   io.Reader
}

func (i *input) Read(p []byte) (int, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data := make([]byte, len(p)) // p is the caller's again when Read has returned
		n, err := i.r.Read(data)
		done <- result{data[:n], err}
	}()
	select {
	case <-i.ctx.Done():
		return 0, context.Cause(i.ctx)
	case r := <-done:
		return copy(p, r.data), r.err
	}
}
