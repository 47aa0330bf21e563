// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// maxWait is the longest and the default time a blocking query waits (http-api.md 1.9).
const maxWait = 300 * time.Second

// handleRead binds a read: fn runs on a recording transaction, again after each change of what it read
// until the index is past the one asked for or the wait is over. The meta's index comes from what was read
// unless fn overrides it with overrideIndex.
func handleRead[Req, Resp any](e *Env, set *opset.Set, op *api.Op[Req, Resp], fn func(*readTx, *Req) (Resp, error)) {
	opset.Handle(set, op, func(ctx context.Context, req *Req) (Resp, error) {
		o := any(req).(api.ReadRequest).Read()
		if op.Info().Reads&api.Settled != 0 && !o.AllowStale {
			if _, err := e.settled(ctx); err != nil {
				var none Resp
				return none, err
			}
		}
		wait := o.MaxWait
		if wait <= 0 || wait > maxWait {
			wait = maxWait
		}
		caller := ctx
		waiting, over := false, false
		for {
			// When the wait is over, the present data is the answer.
			tx := &readTx{
				Tx: e.Store.Read(), Options: o, meta: metaOf(ctx), rows: api.RowsOf(ctx), blocking: op.Info().Reads&api.Blocking != 0 && !over,
			}
			resp, err := fn(tx, req)
			index := tx.settle()
			if e := api.AsError(err); e != nil {
				if e.Class != api.ClassNotFound {
					return resp, err
				}
				withIndex := *e
				withIndex.Index = index
				err = &withIndex
			}
			if !tx.mustWait(index) || err != nil && !tx.Recorded() {
				return resp, err // an error that no change of what was read could lift is told at once
			}
			if !waiting {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, wait+rand.N(wait/16+1))
				defer cancel()
				waiting = true
			}
			over = tx.Watch(ctx) != nil
			renewContact(caller)
			if caller.Err() != nil {
				var none Resp
				return none, api.Errorf(api.ClassTimeout, "request ended while it waited for a change")
			}
		}
	})
}

// readTx is what a read handler gets.
type readTx struct {
	*state.Tx
	Options  *api.ReadOptions
	meta     *api.Meta
	override *uint64
	blocking bool
	// rows takes the rows of a list; nil when the list is wanted as a whole.
	rows api.Rows
}

// settle notes the index of what was read so far in the meta and returns it.
func (tx *readTx) settle() uint64 {
	index := tx.Index()
	if tx.override != nil {
		index = *tx.override
	} else if index == 0 {
		index = 1 // an index of 0 would make a blocking caller spin
	}
	tx.meta.Index, tx.meta.HasIndex = index, true
	return index
}

// mustWait says that an answer with the index is not news to the caller.
func (tx *readTx) mustWait(index uint64) bool {
	return tx.blocking && tx.Options.MinIndex > 0 && index <= tx.Options.MinIndex
}

// overrideIndex sets the index of the answer where it is not that of the rows read.
func (tx *readTx) overrideIndex(i uint64) { tx.override = &i }

// namespace returns the request's namespace, the default one when it names none.
func (tx *readTx) namespace() string { return namespaceOf(&tx.Options.RequestOptions) }

func namespaceOf(o *api.RequestOptions) string {
	if o.Namespace == "" {
		return api.DefaultNamespace
	}
	return o.Namespace
}

func notFound(format string, args ...any) error {
	return api.Errorf(api.ClassNotFound, format, args...)
}

// refused is an error of a write that the contract answers with 500 although the caller is at fault.
func refused(format string, args ...any) error {
	return api.CodeErrorf(api.ClassInvalid, 500, format, args...)
}
