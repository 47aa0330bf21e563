// SPDX-License-Identifier: MPL-2.0

package services

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// outputLimit is how much of a body, or of what a script says, becomes the output of a check, in bytes.
const outputLimit = 3 << 10

// userAgent is how checks name themselves.
const userAgent = "nomadlike-client"

// Outcome is what one run of a check has found.
type Outcome struct {
	// Status is Success or Failure, Code that of an HTTP answer.
	Status string
	Code   int
	Output string
}

// Commands runs a command in a task of the allocation and returns when it has ended or the time is up.
type Commands func(ctx context.Context, task string, command []string, timeout time.Duration) (*drivers.ExecResult, error)

// Probe runs the check once.
func (c *Check) Probe(ctx context.Context, in Commands) Outcome {
	if c.kind == "script" {
		return c.probeScript(ctx, in) // the driver ends the command
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	switch c.kind {
	case "http":
		return c.probeHTTP(ctx)
	case "grpc":
		return c.probeGRPC(ctx)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return failure(err)
	}
	_ = conn.Close()
	return Outcome{Status: Success, Output: "nomad: tcp ok"}
}

func failure(err error) Outcome { return Outcome{Status: Failure, Output: "nomad: " + err.Error()} }

// probeScript runs the command. Its output is that of the check, and exit code 0 is success.
func (c *Check) probeScript(ctx context.Context, in Commands) Outcome {
	result, err := in(ctx, c.scriptTask, c.command, c.timeout)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return failure(fmt.Errorf("script did not end within %v", c.timeout))
	case err != nil:
		return failure(err)
	}
	said := slices.Concat(result.Stdout, result.Stderr)
	out := Outcome{Status: Success, Output: printable(said[:min(len(said), outputLimit)])}
	if result.Exit.ExitCode != 0 || result.Exit.Signal != 0 {
		out.Status = Failure
	}
	switch {
	case out.Output != "":
	case out.Status == Success:
		out.Output = "nomad: script ok"
	default:
		out.Output = fmt.Sprintf("nomad: script ended with exit code %d, signal %d", result.Exit.ExitCode, result.Exit.Signal)
	}
	return out
}

// probeGRPC asks by the gRPC health checking protocol.
func (c *Check) probeGRPC(ctx context.Context) Outcome {
	secure := insecure.NewCredentials()
	if c.tls {
		secure = credentials.NewTLS(c.tlsConfig())
	}
	conn, err := grpc.NewClient("passthrough:///"+c.address, grpc.WithTransportCredentials(secure), grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(), grpc.WithUserAgent(userAgent), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<10)))
	if err != nil {
		return failure(err)
	}
	defer conn.Close()
	answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: c.grpcService})
	if err != nil {
		said := status.Convert(err)
		return failure(fmt.Errorf("grpc %s: %s", said.Code(), said.Message()))
	}
	if answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return failure(fmt.Errorf("grpc service is %s", answer.GetStatus()))
	}
	return Outcome{Status: Success, Output: "nomad: grpc ok"}
}

func (c *Check) tlsConfig() *tls.Config {
	return &tls.Config{InsecureSkipVerify: c.skipVerify, ServerName: c.serverName} //nolint:gosec // the job asks for it
}

// probeHTTP asks once. Redirects are answers like others, so that a check never asks another host.
func (c *Check) probeHTTP(ctx context.Context) Outcome {
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, strings.NewReader(c.body))
	if err != nil {
		return failure(err)
	}
	req.Header.Set("User-Agent", userAgent)
	for k, values := range c.header {
		if strings.EqualFold(k, "Host") && len(values) > 0 {
			req.Host = values[0]
			continue
		}
		req.Header[http.CanonicalHeaderKey(k)] = values
	}
	transport := &http.Transport{
		DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig: c.tlsConfig(),
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return failure(err)
	}
	defer resp.Body.Close()
	out := Outcome{Status: Success, Code: resp.StatusCode, Output: "nomad: http ok"}
	if resp.StatusCode == http.StatusOK {
		return out
	}
	if resp.StatusCode >= http.StatusBadRequest {
		out.Status = Failure
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, outputLimit))
	if err != nil && len(body) == 0 {
		out.Output = "nomad: " + err.Error()
		return out
	}
	out.Output = printable(body)
	return out
}

// printable is the text without what is no text, such as half a character at the end.
func printable(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "")
}
