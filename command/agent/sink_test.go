// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"
)

// TestSinks sends to statsd, with names as the filters and the host settings want them.
func TestSinks(t *testing.T) {
	in, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	tel, err := newTelemetry(&TelemetryConfig{
		StatsdAddress: in.LocalAddr().String(), UseNodeName: true, PrefixFilter: []string{"-nomad.quiet", "-nomad.runtime"},
	}, "n1", hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	label := []metrics.Label{{Name: "kind", Value: "x"}}
	tel.metrics.SetGaugeWithLabels([]string{"quiet", "gauge"}, 1, label)
	tel.metrics.SetGaugeWithLabels([]string{"client", "gauge"}, 2, label)
	tel.metrics.IncrCounterWithLabels([]string{"client", "count"}, 3, label)
	defer tel.metrics.Shutdown()
	if err := in.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	got, buf := "", make([]byte, 65536)
	for !strings.Contains(got, "nomad.n1.client.gauge.x:2") || !strings.Contains(got, "nomad.client.count.x:3") {
		n, _, err := in.ReadFrom(buf)
		if err != nil {
			t.Fatalf("statsd was sent %q: %v", got, err)
		}
		got += string(buf[:n])
	}
	if strings.Contains(got, "quiet") {
		t.Errorf("statsd is sent %q, which is filtered out", got)
	}
}
