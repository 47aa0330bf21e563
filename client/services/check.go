// SPDX-License-Identifier: MPL-2.0

package services

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// Status of a check.
const (
	Pending = "pending"
	Success = "success"
	Failure = "failure"
)

// Check is one check of a service, ready to run. It never changes.
type Check struct {
	// ID differs for checks that are not run in the same way.
	ID string
	// Name, Service and Task say what the job calls it; Task is empty for services of the group.
	Name, Service, Task string
	// RestartTask is the task that check_restart restarts, empty for all that run.
	RestartTask string
	// Restart says when, nil for never.
	Restart *api.CheckRestart
	// Readiness checks have no say in the health of the allocation.
	Readiness bool
	Interval  time.Duration

	kind    string
	initial string
	timeout time.Duration
	// address is where a check of any type but script looks.
	address string
	// Of an HTTP check:
	url, method, body string
	header            map[string][]string
	// Of a gRPC check: which of the services there is asked for, empty for the server as a whole.
	grpcService string
	// Of both:
	tls, skipVerify bool
	serverName      string
	// Of a script check: the task in which the command runs.
	scriptTask string
	command    []string
}

// Checks returns the checks of the services that this client registers itself.
func Checks(w *Workload) ([]*Check, error) {
	var out []*Check
	for _, s := range w.native() {
		for _, c := range s.Checks {
			if c == nil {
				continue
			}
			check, err := w.check(s, c)
			if err != nil {
				return nil, fmt.Errorf("check %q of service %q: %w", c.Name, s.Name, err)
			}
			out = append(out, check)
		}
	}
	return out, nil
}

func (w *Workload) check(s *api.Service, c *api.ServiceCheck) (*Check, error) {
	out := &Check{
		Name: w.Env.Replace(c.Name), Service: w.Env.Replace(s.Name), RestartTask: c.TaskName, Interval: c.Interval,
		Readiness: c.OnUpdate == "ignore", kind: c.Type, initial: c.InitialStatus, timeout: c.Timeout,
	}
	if out.initial == "" {
		out.initial = Pending
	}
	if out.RestartTask == "" {
		out.RestartTask = s.TaskName
	}
	if w.Task != nil {
		out.Task, out.RestartTask = w.Task.Name, w.Task.Name
	}
	if c.CheckRestart != nil && c.CheckRestart.Limit > 0 {
		out.Restart = c.CheckRestart
	}
	if err := w.fill(out, s, c); err != nil {
		return nil, err
	}
	out.ID = out.hash(w.Alloc.ID)
	return out, nil
}

// fill adds what the type of the check needs.
func (w *Workload) fill(out *Check, s *api.Service, c *api.ServiceCheck) error {
	if c.Type == "script" {
		out.scriptTask = out.RestartTask
		if c.TaskName != "" {
			out.scriptTask = c.TaskName
		}
		out.command = append([]string{w.Env.Replace(c.Command)}, w.Env.ReplaceAll(c.Args)...)
		return nil
	}
	label := c.PortLabel
	if label == "" {
		label = s.PortLabel
	}
	mode, given := c.AddressMode, ""
	if mode == "" {
		mode = modeHost
		if s.Address != "" {
			mode, given = modeAuto, s.Address // the address of the service is that of its checks, too
		}
	}
	at, err := w.address(mode, given, label)
	if err != nil {
		return err
	}
	out.address = net.JoinHostPort(at.host, strconv.Itoa(at.port))
	out.skipVerify, out.serverName = c.TLSSkipVerify, w.Env.Replace(c.TLSServerName)
	switch c.Type {
	case "tcp":
		return nil
	case "grpc":
		out.grpcService, out.tls = w.Env.Replace(c.GRPCService), c.GRPCUseTLS
		return nil
	case "http":
		return w.httpCheck(out, c)
	}
	return fmt.Errorf("type %q is unknown", c.Type)
}

// httpCheck fills in what an HTTP check asks for.
func (w *Workload) httpCheck(out *Check, c *api.ServiceCheck) error {
	path := w.Env.Replace(c.Path)
	ref, err := url.Parse(path)
	if err != nil || ref.IsAbs() || ref.Host != "" {
		return fmt.Errorf("path %q is not a relative path", path)
	}
	protocol := w.Env.Replace(c.Protocol)
	if protocol == "" {
		protocol = "http"
	}
	base := &url.URL{Scheme: protocol, Host: out.address, Path: "/"}
	out.url, out.body = base.ResolveReference(ref).String(), w.Env.Replace(c.Body)
	if out.method = w.Env.Replace(c.Method); out.method == "" {
		out.method = "GET"
	}
	out.header = map[string][]string{}
	for k, values := range c.Header {
		key := w.Env.Replace(k)
		out.header[key] = append(out.header[key], w.Env.ReplaceAll(values)...)
	}
	return nil
}

// hash identifies the check within the cluster: a check that is run in another way is another one.
func (c *Check) hash(allocID string) string {
	data, err := json.Marshal([]any{
		allocID, c.Name, c.Service, c.Task, c.RestartTask, c.Restart, c.Readiness, c.Interval,
		c.kind, c.initial, c.timeout, c.address, c.url, c.method, c.body, c.header, c.skipVerify, c.serverName,
		c.grpcService, c.tls, c.scriptTask, c.command,
	})
	if err != nil {
		data = []byte(allocID + c.Service + c.Name) // cannot be: all of it is text and numbers
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// mode is what the API calls the purpose of the check.
func (c *Check) mode() string {
	if c.Readiness {
		return "readiness"
	}
	return "healthiness"
}
