// SPDX-License-Identifier: MPL-2.0

package membership

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/serf/serf"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/membership/membershiptest"
)

// ring is some members on one network in memory, inside a bubble.
type ring struct {
	t       *testing.T
	network *membershiptest.Network
	members []*Membership
}

func newRing(t *testing.T) *ring {
	r := &ring{t: t, network: membershiptest.New()}
	t.Cleanup(func() {
		for _, m := range r.members {
			if err := m.Stop(); err != nil {
				t.Error(err)
			}
		}
		pause(time.Minute) // probes run into their timeouts
	})
	return r
}

func pause(d time.Duration) { <-time.After(d) }

func (r *ring) config(name string) Config {
	n := len(r.members) + 1
	return Config{
		Name: name, ID: "id-of-" + name, Region: "global", Datacenter: "dc1", Build: "2.0.6", Revision: "abc",
		RPCHost: fmt.Sprintf("10.0.0.%d", n), RPCPort: 4647, BindHost: fmt.Sprintf("10.0.0.%d", n), BindPort: 4648, BootstrapExpect: 3,
	}
}

// start starts a member and makes it join the first one.
func (r *ring) start(c Config) (*Membership, error) {
	c.Transport = r.network.Transport(addr(c))
	m := New(c)
	if err := m.Start(); err != nil {
		return nil, err
	}
	var err error
	if len(r.members) > 0 {
		_, err = m.Join([]string{addr(r.members[0].cfg)})
	}
	r.members = append(r.members, m)
	return m, err
}

func addr(c Config) string { return fmt.Sprintf("%s:%d", c.BindHost, c.BindPort) }

func (r *ring) must(c Config) *Membership {
	r.t.Helper()
	m, err := r.start(c)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

func statuses(m *Membership) map[string]string {
	s := map[string]string{}
	for _, member := range m.Members() {
		s[member.Name] = member.Status
	}
	return s
}

func TestMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t)
		a := r.must(r.config("a"))
		b := r.must(r.config("b"))
		c := r.config("c")
		c.Region, c.BootstrapExpect, c.Datacenter = "north", 1, "dc2"
		r.must(c)
		pause(10 * time.Second)

		if got := a.Regions(); !slices.Equal(got, []string{"global", "north"}) {
			t.Errorf("regions %v", got)
		}
		var names []string
		for _, s := range a.Servers("") {
			names = append(names, s.Name)
		}
		if !slices.Equal(names, []string{"a.global", "b.global", "c.north"}) {
			t.Errorf("servers %v", names)
		}
		want := Server{
			Name: "c.north", ID: "id-of-c", Region: "north", Datacenter: "dc2", Build: "2.0.6", RPCAddr: "10.0.0.3:4647",
			Expect: 1, RaftVersion: 3, Status: "alive", Alive: true,
		}
		if got := b.Servers("north"); len(got) != 1 || *got[0] != want {
			t.Errorf("servers of north: %+v", got)
		}
		local := b.Local()
		if local.Name != "b.global" || local.Port != 4648 || local.Addr != "10.0.0.2" || local.Status != "alive" {
			t.Errorf("local member %+v", local)
		}
		for k, v := range map[string]string{"role": "nomad", "region": "global", "dc": "dc1", "build": "2.0.6", "port": "4647", "rpc_addr": "10.0.0.2", "raft_vsn": "3", "expect": "3", "id": "id-of-b"} {
			if local.Tags[k] != v {
				t.Errorf("tag %s is %q, want %q", k, local.Tags[k], v)
			}
		}
		if a.ServerName() != "a.global" || a.Stats()["members"] != "3" {
			t.Errorf("%s: %v", a.ServerName(), a.Stats())
		}
	})
}

// TestGoing follows members that fail, leave and are forced out.
func TestGoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t)
		a := r.must(r.config("a"))
		b := r.must(r.config("b"))
		c := r.must(r.config("c"))
		d := r.must(r.config("d"))
		pause(10 * time.Second)
		drain := func() {
			select {
			case <-a.Changed():
			default:
			}
		}
		drain()
		if err := b.Stop(); err != nil {
			t.Fatal(err)
		}
		<-a.Changed()
		if got := statuses(a)["b.global"]; got != "failed" {
			t.Errorf("member that stopped is %s", got)
		}
		for _, s := range a.Servers("global") {
			if s.Name == "b.global" && (s.Alive || s.Left) {
				t.Errorf("%+v", s)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Leave(ctx); err != nil {
			t.Fatal(err)
		}
		pause(10 * time.Second)
		if got := statuses(a)["c.global"]; got != "left" {
			t.Errorf("member that left is %s", got)
		}
		if err := a.ForceLeave("b.global", false); err != nil {
			t.Fatal(err)
		}
		pause(10 * time.Second)
		if got := statuses(a)["b.global"]; got != "left" {
			t.Errorf("member that was forced out is %s", got)
		}
		if err := a.ForceLeave("nobody", false); !api.IsClass(err, api.ClassNotFound) {
			t.Errorf("forcing nobody out: %v", err)
		}
		if err := d.Stop(); err != nil {
			t.Fatal(err)
		}
		pause(30 * time.Second)
		if err := a.ForceLeave("d.global", true); err != nil {
			t.Fatal(err)
		}
		pause(10 * time.Second)
		if _, ok := statuses(a)["d.global"]; ok {
			t.Error("member that was pruned is still there")
		}
	})
}

func TestEncryption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRing(t)
		key, other := []byte(strings.Repeat("k", 32)), []byte(strings.Repeat("o", 32))
		a := r.config("a")
		a.Dir, a.EncryptKey = filepath.Join(t.TempDir(), "serf"), key
		first := r.must(a)
		keyring := filepath.Join(filepath.Dir(a.Dir), "serf.keyring")
		if data, err := os.ReadFile(keyring); err != nil || !strings.Contains(string(data), base64.StdEncoding.EncodeToString(key)) {
			t.Errorf("key ring %s: %v", data, err)
		}
		b := r.config("b")
		b.EncryptKey = key
		r.must(b)
		for name, wrong := range map[string][]byte{"wrong key": other, "no key": nil} {
			c := r.config("c")
			c.EncryptKey = wrong
			if _, err := r.start(c); err == nil {
				t.Errorf("%s: joined", name)
			}
		}
		pause(10 * time.Second)
		if got := statuses(first); len(got) != 2 {
			t.Errorf("members %v", got)
		}
		// What refuses an operation is told.
		if _, err := first.Keys(KeyRemove, base64.StdEncoding.EncodeToString(key)); err == nil || !strings.Contains(err.Error(), "primary key") {
			t.Errorf("the primary key is removed: %v", err)
		}
		if _, err := first.Keys(KeyUse, base64.StdEncoding.EncodeToString(other)); err == nil || strings.Count(err.Error(), "not in the keyring") != 1 {
			t.Errorf("a key that is not installed is used: %v", err)
		}
		// The stored ring wins over another configured key.
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
		a.EncryptKey = other
		again := New(a)
		again.cfg.Transport = r.network.Transport(addr(a))
		if err := again.Start(); err != nil {
			t.Fatal(err)
		}
		r.members[0] = again
		if n, err := again.Join([]string{addr(b)}); err != nil || n != 1 {
			t.Errorf("joined %d: %v", n, err)
		}
	})
}

func TestDamagedKeyring(t *testing.T) {
	for name, content := range map[string]string{"no JSON": "x", "no base64": `["!"]`, "short key": `["eA=="]`} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "serf.keyring")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			network := membershiptest.New()
			m := New(Config{Name: "a", Region: "global", Dir: filepath.Join(dir, "serf"), BindHost: "10.0.0.1", BindPort: 4648, Transport: network.Transport("10.0.0.1:4648")})
			if err := m.Start(); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want one with %s", err, path)
			}
		})
	}
}

func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	port := l.Addr().(*net.TCPAddr).Port
	m := New(Config{Name: "a", Region: "global", BindHost: "127.0.0.1", BindPort: port})
	err = m.Start()
	for _, want := range []string{fmt.Sprintf("127.0.0.1:%d", port), "ports.serf", "in use"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestBeforeStart(t *testing.T) {
	m := New(Config{Name: "a", Region: "global"})
	if m.Members() != nil || m.Servers("") != nil || m.Local() == nil || len(m.Stats()) != 0 {
		t.Error("a membership that has not started knows members")
	}
	if _, err := m.Join([]string{"x"}); !errors.Is(err, errNotStarted) {
		t.Error(err)
	}
	if err := errors.Join(m.Leave(t.Context()), m.Stop()); err != nil {
		t.Error(err)
	}
	if err := m.ForceLeave("x", false); !errors.Is(err, errNotStarted) {
		t.Error(err)
	}
}

func TestParse(t *testing.T) {
	good := func(change func(m *serf.Member)) serf.Member {
		m := serf.Member{Name: "a.global", Addr: net.ParseIP("10.0.0.1"), Status: serf.StatusAlive, Tags: map[string]string{
			"role": "nomad", "id": "id", "port": "4647", "region": "global",
		}}
		change(&m)
		return m
	}
	for _, test := range []struct {
		name   string
		member serf.Member
		want   string
	}{
		{"plain", good(func(*serf.Member) {}), "10.0.0.1:4647"},
		{"advertised", good(func(m *serf.Member) { m.Tags["rpc_addr"] = "example.com" }), "example.com:4647"},
		{"IPv6", good(func(m *serf.Member) { m.Tags["rpc_addr"] = "::1" }), "[::1]:4647"},
		{"other role", good(func(m *serf.Member) { m.Tags["role"] = "consul" }), ""},
		{"no ID", good(func(m *serf.Member) { delete(m.Tags, "id") }), ""},
		{"no port", good(func(m *serf.Member) { delete(m.Tags, "port") }), ""},
		{"bad port", good(func(m *serf.Member) { m.Tags["port"] = "70000" }), ""},
	} {
		s, ok := parse(test.member)
		if ok != (test.want != "") || ok && s.RPCAddr != test.want {
			t.Errorf("%s: %+v", test.name, s)
		}
	}
	if err := (&mergeDelegate{}).NotifyMerge([]*serf.Member{{Name: "x", Tags: map[string]string{"role": "consul"}}}); err == nil {
		t.Error("merged with a ring of something else")
	}
}
