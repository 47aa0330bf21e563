// SPDX-License-Identifier: MPL-2.0

package command

import (
	"errors"
	"io"
	"sync"
)

// watchedOutput is an output that remembers the first error of those who write to it without looking.
type watchedOutput struct {
	io.Writer
	// told says that the command itself has printed that error.
	told bool

	mu struct {
		sync.Mutex
		err error
	}
}

func (o *watchedOutput) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.mu.err == nil {
			o.mu.err = err
		}
	}
	return n, err
}

// tell takes what is printed as an error, which may be why something was not written.
func (o *watchedOutput) tell(args []any) {
	lost := o.lost()
	for _, a := range args {
		if err, ok := a.(error); ok && lost != nil && errors.Is(err, lost) {
			o.told = true
		}
	}
}

// lost is why something was not written, nil if all was.
func (o *watchedOutput) lost() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mu.err
}
