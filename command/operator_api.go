// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/nomadlike/nomadlike/api/client"
)

// apiCall is a request of "operator api".
type apiCall struct {
	method, filter  string
	headers         stringList
	dryRun, verbose bool
}

func operatorAPICommand() *spec {
	var a apiCall
	return &spec{
		usage: "operator api [options] <path>", synopsis: "Send a request to the HTTP API", remote: true, args: exactly(1, "<path>"),
		long: `Sends a request to the agent's HTTP API, with the address, token and certificates of the general options, and
prints the answer's body. It is a GET, or a POST of what comes from standard input when that is neither a terminal nor
/dev/null. The exit status is 0 whatever the answer's status.

Example:

    $ nomadlike operator api '/v1/jobs?prefix=web'
    $ nomadlike operator api -X DELETE /v1/job/web`,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&a.method, "X", "", "The `method`.")
			f.Var(&a.headers, "H", "A header, `name: value`; may be repeated.")
			f.StringVar(&a.filter, "filter", "", "Only those of a list that the `expression` selects.")
			f.BoolVar(&a.dryRun, "dryrun", false, "Print a curl command that does the same, and send nothing.")
			f.BoolVar(&a.verbose, "verbose", false, "Show the request and the headers of the answer on standard error.")
		},
		run: a.run,
	}
}

func (a *apiCall) run(ctx context.Context, m *meta, args []string) error {
	u, err := a.target(m, args[0])
	if err != nil {
		return err
	}
	header := http.Header{}
	for _, h := range a.headers {
		k, v, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(k) == "" {
			return usageError(fmt.Sprintf("Invalid header %q: want name: value", h))
		}
		header.Add(strings.TrimSpace(k), strings.TrimSpace(v))
	}
	piped := isPiped(m.in)
	if a.method == "" {
		if a.method = http.MethodGet; piped {
			a.method = http.MethodPost
		}
	}
	hasBody := piped && a.method != http.MethodGet && a.method != http.MethodHead
	if a.dryRun {
		fmt.Fprintln(m.out, a.curl(m, u, hasBody))
		return nil
	}
	c, err := m.client()
	if err != nil {
		return err
	}
	return a.send(ctx, m, c, u, header, hasBody)
}

// target is the address of the request: the path on the agent, with the region, namespace and filter that the options say
// and the path does not. A whole URL names the agent too.
func (a *apiCall) target(m *meta, path string) (*url.URL, error) {
	u, err := url.Parse(path)
	if err != nil {
		return nil, doing("Invalid path", err)
	}
	if u.Host != "" {
		m.address = (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
	}
	u.Path = "/" + strings.TrimPrefix(u.Path, "/")
	u.RawQuery = strings.ReplaceAll(u.RawQuery, " ", "%20")
	q := u.Query()
	for _, o := range []struct{ name, value string }{{"region", m.region}, {"namespace", m.namespace}, {"filter", a.filter}} {
		if o.value != "" && !q.Has(o.name) {
			q.Set(o.name, o.value)
			u.RawQuery = q.Encode() // what needs nothing added stays as it was written
		}
	}
	return u, nil
}

func (a *apiCall) send(ctx context.Context, m *meta, c *client.Client, u *url.URL, header http.Header, hasBody bool) error {
	var body io.Reader
	if hasBody {
		body = m.input
	}
	if a.verbose {
		fmt.Fprintf(m.err, "> %s %s%s\n", a.method, c.Address(), u.RequestURI())
		writeHeader(m.err, "> ", header)
		fmt.Fprintln(m.err, "* Sending request and receiving response...")
	}
	res, err := c.Raw(ctx, a.method, u.RequestURI(), body, header)
	if err != nil {
		return doing("Error performing request", err)
	}
	defer res.Body.Close()
	if a.verbose {
		fmt.Fprintf(m.err, "< %s %s\n", res.Proto, res.Status)
		writeHeader(m.err, "< ", res.Header)
	}
	if _, err := io.Copy(m.out, res.Body); err != nil {
		return doing("Error reading response", err)
	}
	return nil
}

func writeHeader(w io.Writer, mark string, h http.Header) {
	for _, k := range sortedKeys(h) {
		for _, v := range h[k] {
			if k == "X-Nomad-Token" || k == "Authorization" {
				v = "<redacted>"
			}
			fmt.Fprintf(w, "%s%s: %s\n", mark, k, v)
		}
	}
	fmt.Fprintln(w, strings.TrimSpace(mark))
}

// curl is a command line for the same request. The token stays in the environment if it comes from there.
func (a *apiCall) curl(m *meta, u *url.URL, hasBody bool) string {
	lines := []string{"curl"}
	add := func(words ...string) { lines = append(lines, strings.Join(words, " ")) }
	if a.verbose {
		add("--verbose")
	}
	add("-X", shellQuote(a.method))
	for _, h := range a.headers {
		add("-H", shellQuote(h))
	}
	switch {
	case m.token == "":
	case m.token == os.Getenv("NOMAD_TOKEN"):
		add("-H", `"X-Nomad-Token: ${NOMAD_TOKEN}"`)
	default:
		add("-H", shellQuote("X-Nomad-Token: "+m.token))
	}
	if os.Getenv("NOMAD_HTTP_AUTH") != "" {
		add("-u", `"${NOMAD_HTTP_AUTH}"`)
	}
	if hasBody {
		add("--data-binary", "@-")
	}
	for _, f := range []struct{ flag, file string }{
		{"--cacert", m.caCert}, {"--capath", m.caPath}, {"--cert", m.clientCert}, {"--key", m.clientKey},
	} {
		if f.file != "" && (f.flag != "--capath" || m.caCert == "") {
			add(f.flag, shellQuote(f.file))
		}
	}
	if m.tlsSkipVerify || m.insecure {
		add("--insecure")
	}
	base, err := url.Parse(either(m.address, client.DefaultAddress))
	if err != nil {
		base = &url.URL{}
	}
	if base.Scheme == "unix" {
		add("--unix-socket", shellQuote(base.Path))
		base = &url.URL{Scheme: "http", Host: "localhost"}
	}
	if m.tlsServerName != "" {
		port := either(base.Port(), "443")
		add("--connect-to", shellQuote(m.tlsServerName+":"+port+":"+base.Hostname()+":"+port))
		base.Host = m.tlsServerName + ":" + port
	}
	add(shellQuote(strings.TrimSuffix(base.String(), "/") + u.RequestURI()))
	return strings.Join(lines, " \\\n  ")
}
