// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// newEngine returns a client of the engine that the configuration names. It
// connects with its first call.
func newEngine(c *pluginConfig) (*client.Client, error) {
	opts := []client.Opt{client.FromEnv}
	if c.Endpoint != "" {
		opts = []client.Opt{client.WithHost(c.Endpoint)}
		if c.TLS.Cert != "" || c.TLS.Key != "" || c.TLS.CA != "" {
			opts = append(opts, client.WithTLSClientConfig(c.TLS.CA, c.TLS.Cert, c.TLS.Key))
		}
	}
	engine, err := client.New(append(opts, client.WithUserAgent("nomadlike"))...)
	if err != nil {
		return nil, fmt.Errorf("connect to the docker engine: %w", err)
	}
	return engine, nil
}

// isLocal reports whether the engine runs on this machine.
func isLocal(engine *client.Client) bool {
	host, err := url.Parse(engine.DaemonHost())
	return err == nil && (host.Scheme == "unix" || host.Scheme == "npipe")
}

func notFound(err error) bool { return errdefs.IsNotFound(err) }

// unreachable reports whether an error says that the engine could not be asked,
// as opposed to what it answered.
func unreachable(err error) bool {
	var failed net.Error
	return client.IsErrConnectionFailed(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.As(err, &failed)
}

// passing reports whether a call may well succeed when made again.
func passing(err error) bool {
	return unreachable(err) || errdefs.IsUnavailable(err) || errdefs.IsInternal(err)
}

// says reports whether the engine's answer has a text in it, where there is no
// other way to tell the reason.
func says(err error, texts ...string) bool {
	if err == nil {
		return false
	}
	message := strings.ToLower(err.Error())
	for _, text := range texts {
		if strings.Contains(message, text) {
			return true
		}
	}
	return false
}
