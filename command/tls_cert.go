// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
)

// domainMark stands for the domain in the default names of the authority's files.
const domainMark = "#DOMAIN#"

// tlsCertificate is what "tls cert create" is told.
type tlsCertificate struct {
	server, client, cli               bool
	region, domain, caFile, caKeyFile string
	days                              int
	names, addresses                  stringList
}

func tlsCertCreateCommand() *spec {
	var t tlsCertificate
	return &spec{
		usage: "tls cert create [options]", synopsis: "Make a certificate",
		long: `Makes a certificate of a cluster's authority for a server, a client or this program: <region>-<role>-<domain>.pem and
<region>-<role>-<domain>-key.pem in the current directory. Existing files stay. The certificate of a server makes its
holder one: it gets at all state of the cluster.

Example:

    $ nomadlike tls cert create -server -region eu`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&t.server, "server", false, "A certificate for servers.")
			f.BoolVar(&t.client, "client", false, "A certificate for clients.")
			f.BoolVar(&t.cli, "cli", false, "A certificate for this program.")
			f.StringVar(&t.region, "region", "global", "The `region` of the agents.")
			f.IntVar(&t.days, "days", 365, "How many `days` the certificate is valid.")
			f.StringVar(&t.domain, "domain", "nomad", "The cluster's `domain`.")
			f.StringVar(&t.caFile, "ca", domainMark+"-agent-ca.pem", "The `file` of the authority's certificate.")
			f.StringVar(&t.caKeyFile, "key", domainMark+"-agent-ca-key.pem", "The `file` of the authority's key.")
			f.Var(&t.names, "additional-dnsname", "Another `name` that the certificate is for; may be repeated.")
			f.Var(&t.addresses, "additional-ipaddress", "Another IP `address` that the certificate is for; may be repeated.")
		},
		run: t.create,
	}
}

// role returns the role, or "" when not exactly one was chosen.
func (t *tlsCertificate) role() string {
	role := ""
	for _, r := range []struct {
		chosen bool
		name   string
	}{{t.server, "server"}, {t.client, "client"}, {t.cli, "cli"}} {
		switch {
		case !r.chosen:
		case role != "":
			return ""
		default:
			role = r.name
		}
	}
	return role
}

func (t *tlsCertificate) create(_ context.Context, m *meta, _ []string) error {
	role := t.role()
	switch {
	case role == "":
		return usageError("Please provide exactly one of -server, -client and -cli")
	case t.days <= 0:
		return usageError("-days must be greater than 0")
	case t.region == "" || t.domain == "" || strings.ContainsAny(t.region+t.domain, `/\`):
		return usageError("Please provide a region and a domain without slashes")
	}
	caFile, caKeyFile := strings.ReplaceAll(t.caFile, domainMark, t.domain), strings.ReplaceAll(t.caKeyFile, domainMark, t.domain)
	template, err := t.template(m, role)
	if err != nil {
		return err
	}
	base := t.region + "-" + role + "-" + t.domain
	certFile, keyFile := base+".pem", base+"-key.pem"
	for _, f := range []string{certFile, keyFile} {
		if _, err := os.Lstat(f); err == nil {
			return fmt.Errorf("%s already exists: move it away first", f)
		}
	}
	ca, err := tls.LoadX509KeyPair(caFile, caKeyFile)
	if err != nil {
		return fmt.Errorf("the authority cannot be used, \"tls ca create\" makes one: %w", err)
	}
	if !ca.Leaf.IsCA {
		return fmt.Errorf("%s is no certificate of an authority", caFile)
	}
	if template.NotAfter.After(ca.Leaf.NotAfter) {
		fmt.Fprintln(m.err, m.paint(yellow, fmt.Sprintf("==> WARNING: The authority is valid until %s only, which ends the certificate earlier.", ca.Leaf.NotAfter)))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if role == "server" {
		fmt.Fprintln(m.err, m.paint(yellow, `==> WARNING: Whoever holds the certificate of a server and its key can become a server and read all state of
    the cluster. Keep them on servers only, as safe as the authority's key.`))
	}
	fmt.Fprintf(m.out, "==> Using CA file %s and CA key %s\n", caFile, caKeyFile)
	if err := writePair(template, ca.Leaf, key, ca.PrivateKey, certFile, keyFile); err != nil {
		return err
	}
	label := map[string]string{"server": "Server", "client": "Client", "cli": "Cli"}[role]
	fmt.Fprintf(m.out, "==> %s Certificate saved to: %s\n==> %s Certificate key saved to: %s\n", label, certFile, label, keyFile)
	return nil
}

// template says what the certificate is for.
func (t *tlsCertificate) template(m *meta, role string) (*x509.Certificate, error) {
	c, err := newCertificate(m.now(), t.days)
	if err != nil {
		return nil, err
	}
	name := role + "." + t.region + "." + t.domain
	c.Subject.CommonName = name
	c.DNSNames = append([]string{name, "localhost"}, t.names...)
	c.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if role != "cli" {
		c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	for _, a := range t.addresses {
		ip := net.ParseIP(a)
		if ip == nil {
			return nil, usageError(fmt.Sprintf("%q is no IP address", a))
		}
		c.IPAddresses = append(c.IPAddresses, ip)
	}
	c.BasicConstraintsValid = true
	return c, nil
}

func tlsCertInfoCommand() *spec {
	return &spec{
		usage: "tls cert info <file>", synopsis: "Show a certificate", args: exactly(1, "<file>"), completes: completeFiles,
		long: "Shows what is in a certificate.\n\nExample:\n\n    $ nomadlike tls cert info global-server-nomad.pem",
		run: func(_ context.Context, m *meta, args []string) error {
			c, err := readCertificate(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(m.out, columns(append(certificateRows(c), []string{"DNS Names", fmt.Sprint(c.DNSNames)}, []string{"IP Addresses", fmt.Sprint(c.IPAddresses)})))
			return nil
		},
	}
}
