// SPDX-License-Identifier: MPL-2.0

package process

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// endless is a line over and over, for some time.
type endless struct {
	line  string
	at    int
	until time.Time
	left  int // bytes at most, should nobody make time pass
}

func (e *endless) Read(data []byte) (n int, err error) {
	if e.left -= len(data); e.left < 0 || time.Now().After(e.until) {
		return 0, io.EOF
	}
	for n < len(data) {
		copied := copy(data[n:], e.line[e.at:])
		n, e.at = n+copied, (e.at+copied)%len(e.line)
	}
	return n, nil
}

// TestThrottle: each period takes its budget of lines, which are whole, or cut where they are longer than what is left; the rest
// is counted and told.
func TestThrottle(t *testing.T) {
	const periods = 3
	for name, test := range map[string]struct {
		line string
		want int // bytes
		told int
	}{
		"lines": {strings.Repeat("x", 99) + "\n", periods * outputBudget / (100 + lineCost) * 100, periods},
		"empty": {"\n", periods * outputBudget / (1 + lineCost), periods},
		// What is left out of a line is left out to its end, which never comes.
		"one": {strings.Repeat("y", 1<<10), outputBudget - lineCost, periods},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				r := &throttled{
					ReadCloser: io.NopCloser(&endless{line: test.line, until: time.Now().Add(periods*outputPeriod - time.Second), left: 256 << 20}),
					throttle:   &throttle{logger: hclog.New(&hclog.LoggerOptions{Output: &log, DisableTime: true})},
				}
				var out bytes.Buffer
				if _, err := io.CopyBuffer(struct{ io.Writer }{&out}, r, make([]byte, 32<<10)); err != nil {
					t.Fatal(err)
				}
				got := out.Bytes()
				time.Sleep(2 * outputPeriod)
				synctest.Wait()
				// Reads and lines end at different places: of each period a line may be cut, or one more or less be there.
				if short := test.want - len(got); short < -periods*len(test.line) || short > periods*(32<<10) {
					t.Errorf("%d bytes have passed, not %d", len(got), test.want)
				}
				for line := range bytes.Lines(got) {
					if strings.HasSuffix(test.line, "\n") && string(line) != test.line && !strings.HasPrefix(test.line, strings.TrimSpace(string(line))) {
						t.Fatalf("a line is %q", line)
					}
				}
				if n := strings.Count(log.String(), "the rest was left out: lines="); n != test.told {
					t.Errorf("it was told %d times, not %d: %s", n, test.told, log.String())
				}
			})
		})
	}
}

// TestRelogThrottle is the same for what comes over the connection.
func TestRelogThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := hclog.New(&hclog.LoggerOptions{Output: &log, DisableTime: true, Level: hclog.Debug})
		r := newRelog(logger, &throttle{logger: logger})
		chunk := []byte(strings.Repeat("0123456789\n", 1000))
		begin := time.Now()
		for tries := 0; time.Since(begin) < outputPeriod-time.Second && tries < 2000; tries++ {
			if n, err := r.Write(chunk); n != len(chunk) || err != nil {
				t.Fatal(n, err)
			}
		}
		time.Sleep(2 * outputPeriod)
		synctest.Wait()
		if n := strings.Count(log.String(), "plugin output: line=0123456789"); n != outputBudget/(10+lineCost) {
			t.Errorf("%d lines are in the log", n)
		}
		if n := strings.Count(log.String(), "left out"); n != 1 {
			t.Errorf("it was told %d times", n)
		}
	})
}
