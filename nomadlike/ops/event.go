// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/events"
)

func (e *Env) eventHandlers(set *opset.Set) {
	opset.HandleStream(set, api.EventStream, func(ctx context.Context, r *api.EventStreamRequest, s api.Stream) error {
		filter, index, err := eventFilter(r)
		if err != nil {
			return err
		}
		if e.Events == nil {
			return api.Errorf(api.ClassInvalid, "the event stream is switched off; set server { enable_event_broker = true }")
		}
		sub := e.Events.Subscribe(filter, index)
		defer sub.Close()
		// An empty batch says that the request was good and the stream goes on.
		if err := s.Send(&api.EventBatch{}); err != nil {
			return err
		}
		for {
			lines, err := sub.NextLines(ctx)
			if err != nil {
				return err
			}
			if err := s.Send(&api.EventBatch{Lines: lines}); err != nil {
				return err
			}
		}
	})
}

// eventFilter reads the topics ("Topic" or "Topic:key") and the index of a subscription.
func eventFilter(r *api.EventStreamRequest) (events.Filter, uint64, error) {
	f := events.Filter{Topics: map[string][]string{}, Namespace: namespaceOf(&r.RequestOptions)}
	for _, t := range r.Topic {
		topic, key, _ := strings.Cut(t, ":")
		if strings.Contains(key, ":") {
			return f, 0, api.Errorf(api.ClassInvalid, "Invalid topic query: error parsing topics: Invalid key value pair for topic, topic: %s", t)
		}
		if key == "" {
			key = "*"
		}
		f.Topics[topic] = append(f.Topics[topic], key)
	}
	if r.Index == "" {
		return f, 0, nil
	}
	index, err := strconv.Atoi(r.Index)
	if err != nil {
		return f, 0, api.Errorf(api.ClassInvalid, "Unable to parse index: %v", err)
	}
	return f, uint64(max(index, 0)), nil
}
