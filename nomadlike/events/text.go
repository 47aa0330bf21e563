// SPDX-License-Identifier: MPL-2.0

package events

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

const (
	// textBudget is about how much JSON is kept for readers that come later, in bytes.
	textBudget = 16 << 20
	// gather is the size from which NextLines adds no further line, in bytes.
	gather = 64 << 10
)

// texts keeps the JSON of batches within a budget; the oldest goes first.
type texts struct {
	// average is the size of the events encoded last, in bytes, to make room for the next ones.
	average atomic.Int64
	sync.Mutex
	size int
	kept []keptText
}

type keptText struct {
	batch *batch
	size  int
}

// keep notes that a batch holds so much more text.
func (t *texts) keep(b *batch, size int) {
	t.Lock()
	t.size += size
	t.kept = append(t.kept, keptText{b, size})
	var drop []*batch
	for t.size > textBudget && len(t.kept) > 1 && t.kept[0].batch != b {
		drop = append(drop, t.kept[0].batch)
		t.size -= t.kept[0].size
		t.kept = t.kept[1:]
	}
	t.Unlock()
	for _, old := range drop {
		old.text.drop()
	}
}

// batchText is the JSON of a batch: encoded once, cut to what the filters of readers let pass once a filter.
type batchText struct {
	sync.Mutex
	// all is the line of all events; ends are where each of them ends in it.
	all  []byte
	ends []int
	// lines are those of other filters, by their keys; empty for a filter that lets nothing pass.
	lines map[string][]byte
}

func (t *batchText) drop() {
	t.Lock()
	defer t.Unlock()
	t.all, t.ends, t.lines = nil, nil, nil
}

// line returns the line of the events that pass the filter, empty when none does. The bytes are shared.
func (b *batch) line(f *Filter, key string, keep *texts) ([]byte, error) {
	events := b.list()
	t := &b.text
	t.Lock()
	line, added, err := t.lineLocked(b.index, events, f, key, keep)
	t.Unlock()
	if added > 0 {
		keep.keep(b, added)
	}
	return line, err
}

func (t *batchText) lineLocked(index uint64, events []*api.Event, f *Filter, key string, keep *texts) (line []byte, added int, err error) {
	if line, ok := t.lines[key]; ok && key != "" {
		return line, 0, nil
	}
	if t.all == nil {
		if err := t.encodeLocked(index, events, int(keep.average.Load())); err != nil {
			return nil, 0, err
		}
		added = len(t.all)
		keep.average.Store(int64(added / max(1, len(events))))
	}
	line = t.cutLocked(events, f)
	if key != "" {
		if t.lines == nil {
			t.lines = map[string][]byte{}
		}
		t.lines[key] = line
		if len(line) < len(t.all) {
			added += len(line)
		}
	}
	return line, added, nil
}

// encodeLocked makes the line of all events, each of about so many bytes.
func (t *batchText) encodeLocked(index uint64, events []*api.Event, each int) error {
	buf := append(make([]byte, 0, 64+(each+each/16)*len(events)), `{"Index":`...)
	buf = strconv.AppendUint(buf, index, 10)
	buf = append(buf, `,"Events":[`...)
	t.ends = make([]int, 0, len(events)+1)
	t.ends = append(t.ends, len(buf))
	for i, e := range events {
		if i > 0 {
			buf = append(buf, ',')
		}
		var err error
		if buf, err = typeinfo.AppendJSON(buf, e, typeinfo.Response); err != nil {
			return err
		}
		t.ends = append(t.ends, len(buf))
	}
	t.all = append(buf, "]}\n"...)
	return nil
}

// cutLocked returns the line of the events that pass: that of all of them when all do.
func (t *batchText) cutLocked(events []*api.Event, f *Filter) []byte {
	var line []byte
	some, missing := false, false
	for i, e := range events {
		if !f.passes(e) {
			if !missing && some {
				line = append(line, t.all[:t.ends[i]]...) // everything before passed
			}
			missing = true
			continue
		}
		if missing {
			part := t.all[t.ends[i]:t.ends[i+1]]
			if i > 0 {
				part = part[1:] // the comma
			}
			if !some {
				line = append(line, t.all[:t.ends[0]]...)
			} else {
				line = append(line, ',')
			}
			line = append(line, part...)
		}
		some = true
	}
	switch {
	case !some:
		return nil
	case !missing:
		return t.all
	}
	return append(line, "]}\n"...)
}

// NextLines waits like Next, and returns the events as lines of JSON, one a commit, those of several commits when
// they are there already. The bytes are shared and must not be changed.
func (s *Subscription) NextLines(ctx context.Context) ([]byte, error) {
	var lines []byte
	shared := false
	for {
		b, err := s.more(ctx, len(lines) > 0)
		if err != nil {
			return nil, err
		}
		if b == nil {
			return lines, nil
		}
		line, err := b.line(&s.filter, s.key, &s.broker.texts)
		if err != nil {
			return nil, err
		}
		switch {
		case len(line) == 0:
		case lines == nil:
			lines, shared = line, true
		default:
			if shared {
				lines, shared = slices.Clone(lines), false
			}
			lines = append(lines, line...)
		}
		if len(lines) >= gather {
			return lines, nil
		}
	}
}

// more returns the next commit; it waits for it unless something was found already, and returns nil then.
func (s *Subscription) more(ctx context.Context, found bool) (*batch, error) {
	if !found {
		return s.wait(ctx)
	}
	b, _, err := s.take()
	if err != nil {
		return nil, nil //nolint:nilerr // it comes again with the next call, after what was found
	}
	return b, nil
}

// key names the filter, the same for all that let the same pass; "" when it asks a function.
func (f *Filter) key() string {
	if f.Allow != nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(f.Namespace)
	for _, topic := range slices.Sorted(maps.Keys(f.Topics)) {
		keys := slices.Clone(f.Topics[topic])
		slices.Sort(keys)
		b.WriteString("\x00" + topic)
		for _, k := range slices.Compact(keys) {
			b.WriteString("\x01" + k)
		}
	}
	return "f" + b.String()
}
