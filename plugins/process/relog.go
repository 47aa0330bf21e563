// SPDX-License-Identifier: MPL-2.0

package process

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// relogLimit bounds a line of output; longer ones are cut into several.
const relogLimit = 64 << 10

// relog logs lines that a plugin writes to its streams: JSON lines of hclog at
// their own level, others at debug level.
type relog struct {
	logger   hclog.Logger
	throttle *throttle

	mu struct {
		sync.Mutex
		partial []byte
	}
}

func newRelog(logger hclog.Logger, throttle *throttle) *relog {
	return &relog{logger: logger, throttle: throttle}
}

// Write implements io.Writer. It never fails.
func (r *relog) Write(data []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.partial = append(r.mu.partial, data...)
	logged, cut := 0, 0
	for {
		end := bytes.IndexByte(r.mu.partial, '\n')
		if end < 0 && len(r.mu.partial) < relogLimit {
			if cut > 0 && logged == 0 {
				time.Sleep(floodPause)
			}
			return len(data), nil
		}
		line, rest := r.mu.partial, []byte(nil)
		if end >= 0 {
			line, rest = r.mu.partial[:end], r.mu.partial[end+1:]
		}
		if r.throttle.take(len(line), true) {
			logged++
			r.log(line)
		} else {
			cut++
			r.throttle.cut()
		}
		r.mu.partial = append(r.mu.partial[:0], rest...)
	}
}

func (r *relog) log(line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	var fields map[string]any
	if line[0] != '{' || json.Unmarshal(line, &fields) != nil {
		r.logger.Debug("plugin output", "line", string(line))
		return
	}
	text, _ := fields["@message"].(string)
	levelName, _ := fields["@level"].(string)
	level := hclog.LevelFromString(levelName)
	if level == hclog.NoLevel {
		level = hclog.Debug
	}
	var pairs []any
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		switch key {
		case "@message", "@level", "@module", "@timestamp":
		default:
			pairs = append(pairs, key, fields[key])
		}
	}
	r.logger.Log(level, text, pairs...)
}
