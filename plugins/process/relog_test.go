// SPDX-License-Identifier: MPL-2.0

package process

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestRelog(t *testing.T) {
	var out bytes.Buffer
	log := newRelog(hclog.New(&hclog.LoggerOptions{
		Name: "p", Output: &out, Level: hclog.Debug, DisableTime: true,
	}), &throttle{logger: hclog.NewNullLogger()})
	long := strings.Repeat("x", relogLimit)
	for _, chunk := range []string{
		`{"@level":"warn","@message":"low on disk","@module":"m","@timestamp":"t","dev":"sda",`, `"free":3}` + "\n",
		"plain text\n\n", `{"@level":"trace","@message":"hidden"}` + "\n",
		`{"@message":"no level"}` + "\n{broken\n", long + "tail\n",
	} {
		if n, err := log.Write([]byte(chunk)); n != len(chunk) || err != nil {
			t.Fatalf("write returned %d, %v", n, err)
		}
	}
	want := "[WARN]  p: low on disk: dev=sda free=3\n" +
		"[DEBUG] p: plugin output: line=\"plain text\"\n" +
		"[DEBUG] p: no level\n" +
		"[DEBUG] p: plugin output: line={broken\n" +
		"[DEBUG] p: plugin output: line=" + long + "tail\n"
	if out.String() != want {
		t.Errorf("the log is\n%s\nwant\n%s", shorten(out.String()), shorten(want))
	}
	out.Reset()
	_, _ = log.Write([]byte(long)) // without a line end it is cut
	if !strings.Contains(out.String(), "line=xxx") {
		t.Error("a line without end is kept forever")
	}
}

func shorten(text string) string { return strings.ReplaceAll(text, strings.Repeat("x", 1000), "…") }
