// SPDX-License-Identifier: MPL-2.0

package services

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"unicode/utf8"
)

// outputLimit is how much of a body becomes the output of a check, in bytes.
const outputLimit = 3 << 10

// Outcome is what one run of a check has found.
type Outcome struct {
	// Status is Success or Failure, Code that of an HTTP answer.
	Status string
	Code   int
	Output string
}

// Probe runs the check once.
func (c *Check) Probe(ctx context.Context) Outcome {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if c.kind == "http" {
		return c.probeHTTP(ctx)
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

// probeHTTP asks once. Redirects are answers like others, so that a check never asks another host.
func (c *Check) probeHTTP(ctx context.Context) Outcome {
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, strings.NewReader(c.body))
	if err != nil {
		return failure(err)
	}
	req.Header.Set("User-Agent", "nomadlike-client")
	for k, values := range c.header {
		if strings.EqualFold(k, "Host") && len(values) > 0 {
			req.Host = values[0]
			continue
		}
		req.Header[http.CanonicalHeaderKey(k)] = values
	}
	transport := &http.Transport{
		DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: c.skipVerify, ServerName: c.serverName}, //nolint:gosec // the job asks for it
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
