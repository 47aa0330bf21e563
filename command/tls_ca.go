// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"strings"
	"time"
)

// tlsAuthority is what "tls ca create" is told.
type tlsAuthority struct {
	domain, commonName                          string
	additional                                  stringList
	days                                        int
	constrain                                   bool
	country, province, locality, street, postal string
	organization, organizationalUnit            string
}

func tlsCACreateCommand() *spec {
	var a tlsAuthority
	return &spec{
		usage: "tls ca create [options]", synopsis: "Make a certificate authority",
		long: `Makes a certificate authority for the agents of a cluster: <domain>-agent-ca.pem and <domain>-agent-ca-key.pem in the
current directory. Existing files stay. Keep the key as safe as the cluster's most secret data.

Example:

    $ nomadlike tls ca create`,
		flags: func(f *flag.FlagSet) {
			f.Var(&a.additional, "additional-domain", "With -name-constraint, another `domain` that certificates may be for; may be repeated.")
			f.StringVar(&a.commonName, "common-name", "", "The `name` of the authority.")
			f.IntVar(&a.days, "days", 1825, "How many `days` the authority is valid.")
			f.StringVar(&a.domain, "domain", "nomad", "The cluster's `domain`.")
			f.BoolVar(&a.constrain, "name-constraint", false, "Forbid certificates for anything but the domains and localhost.")
			f.StringVar(&a.country, "country", "", "The authority's country, `text`.")
			f.StringVar(&a.province, "province", "", "The authority's province, `text`.")
			f.StringVar(&a.locality, "locality", "", "The authority's locality, `text`.")
			f.StringVar(&a.street, "street-address", "", "The authority's street address, `text`.")
			f.StringVar(&a.postal, "postal-code", "", "The authority's postal code, `text`.")
			f.StringVar(&a.organization, "organization", "", "The authority's organization, `text`.")
			f.StringVar(&a.organizationalUnit, "organizational-unit", "", "The authority's organizational unit, `text`.")
		},
		run: a.create,
	}
}

func (a *tlsAuthority) create(_ context.Context, m *meta, _ []string) error {
	switch {
	case a.domain == "" || strings.ContainsAny(a.domain, `/\`):
		return usageError("Please provide a domain without slashes")
	case a.days <= 0:
		return usageError("-days must be greater than 0")
	case len(a.additional) > 0 && !a.constrain:
		return usageError("-additional-domain has no effect without -name-constraint")
	}
	certFile, keyFile := a.domain+"-agent-ca.pem", a.domain+"-agent-ca-key.pem"
	for _, f := range []string{certFile, keyFile} {
		if _, err := os.Lstat(f); err == nil {
			return fmt.Errorf("%s already exists: move it away, or choose another -domain", f)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t, err := newCertificate(m.now(), a.days)
	if err != nil {
		return err
	}
	t.Subject = a.subject(t.SerialNumber)
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	if a.constrain {
		t.PermittedDNSDomainsCritical = true
		t.PermittedDNSDomains = append([]string{a.domain, "localhost"}, a.additional...)
	}
	if err := writePair(t, t, key, key, certFile, keyFile); err != nil {
		return err
	}
	fmt.Fprintf(m.out, "==> CA certificate saved to: %s\n==> CA certificate key saved to: %s\n", certFile, keyFile)
	return nil
}

func (a *tlsAuthority) subject(serial *big.Int) pkix.Name {
	name := pkix.Name{CommonName: a.commonName}
	if name.CommonName == "" {
		name.CommonName = "nomadlike agent CA " + serial.String()
	}
	for _, f := range []struct {
		to   *[]string
		text string
	}{
		{&name.Country, a.country},
		{&name.Province, a.province},
		{&name.Locality, a.locality},
		{&name.StreetAddress, a.street},
		{&name.PostalCode, a.postal},
		{&name.Organization, a.organization},
		{&name.OrganizationalUnit, a.organizationalUnit},
	} {
		if f.text != "" {
			*f.to = []string{f.text}
		}
	}
	return name
}

// newCertificate is what all certificates have.
func newCertificate(now time.Time, days int) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		// A little in the past, for machines whose clocks are behind.
		NotBefore: now.Add(-time.Minute), NotAfter: now.AddDate(0, 0, days),
	}, nil
}

// writePair signs a certificate and writes it and its key to new files, the key for the owner's eyes only.
func writePair(t, parent *x509.Certificate, key *ecdsa.PrivateKey, signer any, certFile, keyFile string) error {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, &key.PublicKey, signer)
	if err != nil {
		return doing("sign certificate", err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return doing("encode key", err)
	}
	if err := writeNew(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return err
	}
	if err := writeNew(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return errors.Join(err, os.Remove(keyFile)) // never half a pair
	}
	return nil
}

func tlsCAInfoCommand() *spec {
	return &spec{
		usage: "tls ca info <file>", synopsis: "Show a certificate authority", args: exactly(1, "<file>"), completes: completeFiles,
		long: "Shows what is in the certificate of an authority.\n\nExample:\n\n    $ nomadlike tls ca info nomad-agent-ca.pem",
		run: func(_ context.Context, m *meta, args []string) error {
			c, err := readCertificate(args[0])
			if err != nil {
				return err
			}
			if !c.IsCA {
				return fmt.Errorf("%s is no certificate of an authority; \"tls cert info\" shows others", args[0])
			}
			fmt.Fprintln(m.out, columns(append(certificateRows(c), []string{"Permitted DNS Domains", fmt.Sprint(c.PermittedDNSDomains)})))
			return nil
		},
	}
}

func certificateRows(c *x509.Certificate) [][]string {
	return [][]string{
		{"Serial Number", c.SerialNumber.String()},
		{"Issuer CN", c.Issuer.CommonName},
		{"Common Name", c.Subject.String()},
		{"Expiry Date", c.NotAfter.String()},
	}
}

// readCertificate reads the first certificate of a PEM file.
func readCertificate(path string) (*x509.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, doing("Error reading certificate", err)
	}
	for {
		var b *pem.Block
		if b, data = pem.Decode(data); b == nil {
			return nil, fmt.Errorf("Error reading certificate: %s holds no certificate in PEM form", path) //nolint:staticcheck // the contract's text
		}
		if b.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, fmt.Errorf("Error reading certificate %s: %w", path, err) //nolint:staticcheck // the contract's text
		}
		return c, nil
	}
}
