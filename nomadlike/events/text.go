// SPDX-License-Identifier: MPL-2.0

package events

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// gather is the size from which NextLines adds no further line, in bytes.
const gather = 64 << 10

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

// line returns the line of the events of a batch that pass the subscription's filter, empty when none does. The bytes are
// shared.
func (s *Subscription) line(b *batch) ([]byte, error) {
	events := b.list()
	t := &b.text
	t.Lock()
	line, added, err := t.lineLocked(b.index, events, s)
	t.Unlock()
	if added > 0 {
		s.broker.keepText(b, added)
	}
	return line, err
}

func (t *batchText) lineLocked(index uint64, events []*api.Event, s *Subscription) (line []byte, added int, err error) {
	if line, ok := t.lines[s.key]; ok && s.key != "" {
		return line, 0, nil
	}
	if t.all == nil {
		if err := t.encodeLocked(index, events, int(s.broker.average.Load())); err != nil {
			return nil, 0, err
		}
		added = len(t.all)
		s.broker.average.Store(int64(added / max(1, len(events))))
	}
	line = t.cutLocked(events, &s.filter)
	if s.key != "" {
		if t.lines == nil {
			t.lines = map[string][]byte{}
		}
		t.lines[s.key] = line
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
	buf = append(buf, "]}\n"...)
	t.all = buf
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

// NextLines waits like Next, and returns the events as lines of JSON, one a batch, those of several when
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
		line, err := s.line(b)
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

// more returns the next batch; it waits for it unless something was found already, and returns nil then.
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
