// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-sockaddr/template"
)

const (
	// defaultRetryInterval is the time between attempts to join.
	defaultRetryInterval = 30 * time.Second
	// The ports of addresses to join that have none: where servers listen for RPC and gossip by default.
	defaultServerPort = 4647
	defaultSerfPort   = 4648
	// joinProgramTimeout bounds a program that finds servers.
	joinProgramTimeout = 30 * time.Second
)

// settleJoin moves the settings of older configurations to server_join.
func (s *ServerConfig) settleJoin() error {
	old := ServerJoin{s.StartJoin, s.RetryJoin, s.RetryMax, s.RetryInterval}
	if !old.isEmpty() {
		if !s.ServerJoin.isEmpty() {
			return errors.New("server: start_join, retry_join, retry_max and retry_interval belong into server_join; move those that stand outside it")
		}
		s.ServerJoin = old
		s.StartJoin, s.RetryJoin, s.RetryMax, s.RetryInterval = nil, nil, 0, 0
	}
	orDefault(&s.ServerJoin.RetryInterval, defaultRetryInterval)
	return nil
}

func (j *ServerJoin) isEmpty() bool {
	return len(j.StartJoin) == 0 && len(j.RetryJoin) == 0 && j.RetryMax == 0 && j.RetryInterval == 0
}

// validate says what is wrong with the block in the block of a role.
func (j *ServerJoin) validate(role string) error {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf(role+".server_join"+format, args...))
	}
	switch {
	case role == "client" && len(j.StartJoin) > 0:
		fail(".start_join is for servers only; use retry_join")
	case len(j.StartJoin) > 0 && len(j.RetryJoin) > 0:
		fail(": start_join and retry_join exclude each other; use retry_join")
	}
	if j.RetryMax < 0 || j.RetryInterval < 0 {
		fail(": retry_max and retry_interval must not be negative")
	}
	for _, a := range slices.Concat(j.StartJoin, j.RetryJoin) {
		switch {
		case strings.HasPrefix(a, "provider="):
			fail(": %q: finding servers with a cloud's API is not supported by this version of nomadlike; name the servers, or use exec=<command> with a program that prints their addresses", a)
		case strings.HasPrefix(a, "exec=") && strings.TrimSpace(a[len("exec="):]) == "":
			fail(": exec= wants a command")
		case strings.Contains(a, "{{"):
			if _, err := template.Parse(a); err != nil {
				fail(": %q: %w", a, err)
			}
		case strings.TrimSpace(a) == "":
			fail(": an address is empty")
		}
	}
	return errors.Join(errs...)
}

// findServers turns addresses to join into host:port: templates and programs give any number of them. What fails is
// an error beside those that were found.
func findServers(ctx context.Context, addrs []string, port int) ([]string, error) {
	var found []string
	var errs []error
	for _, a := range addrs {
		hosts := []string{strings.TrimSpace(a)}
		var err error
		switch command, isProgram := strings.CutPrefix(a, "exec="); {
		case isProgram:
			hosts, err = askProgram(ctx, command)
		case strings.Contains(a, "{{"):
			var text string
			text, err = template.Parse(a)
			hosts = strings.Fields(text)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("find servers with %q: %w", a, err))
			continue
		}
		for _, h := range hosts {
			if h = withPort(h, port); !slices.Contains(found, h) {
				found = append(found, h)
			}
		}
	}
	return found, errors.Join(errs...)
}

// askProgram runs a command, whose words are separated by spaces, that prints addresses separated by white space.
func askProgram(ctx context.Context, command string) ([]string, error) {
	words := strings.Fields(command)
	ctx, cancel := context.WithTimeout(ctx, joinProgramTimeout)
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &complaint, time.Second
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(complaint.String()); text != "" {
			err = fmt.Errorf("%w: %.500s", err, text)
		}
		return nil, err
	}
	hosts := strings.Fields(out.String())
	if len(hosts) == 0 {
		return nil, errors.New("the program prints no address")
	}
	return hosts, nil
}
