// SPDX-License-Identifier: MPL-2.0

package command

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// must runs a command that has to go well, and returns what it printed.
func (a *cannedAgent) must(args ...string) string {
	a.t.Helper()
	out := a.run(args, "")
	if strings.Contains(out, "exit ") {
		a.t.Fatalf("%v printed\n%s", args, out)
	}
	return out
}

// refuses runs a command that has to fail with a text.
func (a *cannedAgent) refuses(want string, args ...string) {
	a.t.Helper()
	if out := a.run(args, ""); !strings.Contains(out, want) || !strings.Contains(out, "exit 1\n") {
		a.t.Errorf("%v printed\n%s\nwant an error with %q", args, out, want)
	}
}

func TestTLS(t *testing.T) {
	a := newCannedAgent(t)
	want := "==> CA certificate saved to: nomad-agent-ca.pem\n==> CA certificate key saved to: nomad-agent-ca-key.pem\n"
	if d := cmp.Diff(want, a.must("tls", "ca", "create")); d != "" {
		t.Errorf("tls ca create (-want +got):\n%s", d)
	}
	a.refuses("nomad-agent-ca.pem already exists", "tls", "ca", "create")
	for _, f := range []string{"nomad-agent-ca-key.pem"} {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info, err)
		}
	}
	out := a.must("tls", "cert", "create", "-server", "-region", "eu", "-additional-dnsname", "nomad.example", "-additional-ipaddress", "10.0.0.1")
	for _, text := range []string{"==> WARNING: ", "Using CA file nomad-agent-ca.pem and CA key nomad-agent-ca-key.pem", "Server Certificate saved to: eu-server-nomad.pem"} {
		if !strings.Contains(out, text) {
			t.Errorf("tls cert create printed\n%s\nwant %q", out, text)
		}
	}
	if out := a.must("tls", "cert", "create", "-cli"); strings.Contains(out, "WARNING") || !strings.Contains(out, "Cli Certificate saved to: global-cli-nomad.pem") {
		t.Errorf("tls cert create -cli printed\n%s", out)
	}
	a.refuses("eu-server-nomad.pem already exists", "tls", "cert", "create", "-server", "-region", "eu")

	server, err := readCertificate("eu-server-nomad.pem")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"server.eu.nomad", "localhost", "nomad.example"}, server.DNSNames); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
	info := a.must("tls", "cert", "info", "eu-server-nomad.pem")
	for _, text := range []string{
		"Common Name    CN=server.eu.nomad\n", "Expiry Date    2027-11-23 03:20:00 +0000 UTC\n",
		"DNS Names      [server.eu.nomad localhost nomad.example]\n", "IP Addresses   [127.0.0.1 10.0.0.1]\n",
	} {
		if !strings.Contains(info, text) {
			t.Errorf("tls cert info printed\n%s\nwant %q", info, text)
		}
	}
	handshake(t, a.now)
}

// handshake connects with the certificates as this program does to a server.
func handshake(t *testing.T, now func() time.Time) {
	t.Helper()
	authority, err := readCertificate("nomad-agent-ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	load := func(name string) []tls.Certificate {
		c, err := tls.LoadX509KeyPair(name+".pem", name+"-key.pem")
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{c}
	}
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	server := tls.Server(far, &tls.Config{Certificates: load("eu-server-nomad"), ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, Time: now})
	client := tls.Client(near, &tls.Config{Certificates: load("global-cli-nomad"), RootCAs: pool, ServerName: "server.eu.nomad", Time: now}) //nolint:gosec // a test
	done := make(chan error, 1)
	go func() {
		err := server.Handshake()
		if err == nil {
			_, err = server.Write([]byte("x"))
		}
		done <- err
	}()
	if _, err := client.Read(make([]byte, 1)); err != nil {
		t.Errorf("the program cannot speak to the server: %v", err)
	}
	if err := <-done; err != nil {
		t.Errorf("the server refuses the program: %v", err)
	}
}

func TestTLSBadInput(t *testing.T) {
	a := newCannedAgent(t)
	a.refuses("no effect without -name-constraint", "tls", "ca", "create", "-additional-domain", "x")
	a.refuses("-days must be greater than 0", "tls", "ca", "create", "-days", "0")
	a.refuses("without slashes", "tls", "ca", "create", "-domain", "../x")
	a.refuses("exactly one of -server, -client and -cli", "tls", "cert", "create")
	a.refuses("exactly one of -server, -client and -cli", "tls", "cert", "create", "-server", "-client")
	a.refuses("\"tls ca create\" makes one", "tls", "cert", "create", "-client")
	a.refuses("is no IP address", "tls", "cert", "create", "-client", "-additional-ipaddress", "localhost")
	a.refuses("no such file", "tls", "ca", "info", "missing.pem")
	if err := os.WriteFile("text.pem", []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.refuses("holds no certificate", "tls", "cert", "info", "text.pem")
	a.must("tls", "ca", "create", "-domain", "x", "-name-constraint", "-additional-domain", "y", "-common-name", "the CA", "-organization", "o", "-country", "DE")
	if out := a.must("tls", "ca", "info", "x-agent-ca.pem"); !strings.Contains(out, "CN=the CA,O=o,C=DE") || !strings.Contains(out, "[x localhost y]") {
		t.Errorf("tls ca info printed\n%s", out)
	}
	a.must("tls", "cert", "create", "-client", "-domain", "x")
	a.refuses("no certificate of an authority", "tls", "ca", "info", "global-client-x.pem")
	a.refuses("no certificate of an authority", "tls", "cert", "create", "-cli", "-domain", "x", "-ca", "global-client-x.pem", "-key", "global-client-x-key.pem")
	if _, err := os.Stat("global-cli-x.pem"); err == nil {
		t.Error("a certificate was made all the same")
	}
}
