// SPDX-License-Identifier: MPL-2.0

// Package client is the HTTP client of the product: an api.Caller over the HTTP API v1, generic over the
// operation table. It is what the CLI uses, and it works against any agent that keeps the contract.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// DefaultAddress is where an agent listens by default.
const DefaultAddress = "http://127.0.0.1:4646"

// Config of a Client.
type Config struct {
	// Address is a URL; "unix:///path" for a unix socket. Empty for DefaultAddress.
	Address string
	// Region and Namespace are sent with requests that name none.
	Region, Namespace string
	// Token is the caller's secret.
	Token string
	// HTTPAuth is "user:password" of basic authentication.
	HTTPAuth string
	TLS      TLSConfig
}

// TLSConfig holds file names of PEM files and verification settings.
type TLSConfig struct {
	CACert, CAPath, ClientCert, ClientKey, ServerName string
	SkipVerify                                        bool
}

// StatusError is an answer that is not a success.
type StatusError struct {
	Code int
	Body string
}

// Error returns the text that the contract's clients print.
func (e *StatusError) Error() string {
	return fmt.Sprintf("Unexpected response code: %d (%s)", e.Code, e.Body)
}

// As turns the status into a classed error.
func (e *StatusError) As(target any) bool {
	t, ok := target.(**api.Error)
	if !ok {
		return false
	}
	class := api.ClassInternal
	switch e.Code {
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge:
		class = api.ClassInvalid
	case http.StatusForbidden, http.StatusUnauthorized:
		class = api.ClassDenied
	case http.StatusNotFound:
		class = api.ClassNotFound
	case http.StatusConflict:
		class = api.ClassConflict
	case http.StatusTooManyRequests:
		class = api.ClassTooMany
	case http.StatusNotImplemented:
		class = api.ClassUnsupported
	case http.StatusServiceUnavailable:
		class = api.ClassUnavailable
	}
	*t = &api.Error{Class: class, Message: e.Error(), Code: e.Code}
	return true
}

// Client calls an agent.
type Client struct {
	cfg       Config
	base      *url.URL
	http      *http.Client
	transport *http.Transport
	// socket says that the agent listens on a unix socket.
	socket bool
}

// New returns a client; it does not contact the agent.
func New(cfg Config) (*Client, error) {
	if cfg.Address == "" {
		cfg.Address = DefaultAddress
	}
	u, err := url.Parse(cfg.Address)
	if err != nil || u.Scheme == "" {
		return nil, fmt.Errorf("invalid address %q: want a URL such as %s", cfg.Address, DefaultAddress)
	}
	tr := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
	}
	socket := u.Scheme == "unix"
	switch u.Scheme {
	case "unix":
		path := u.Path
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}
		u = &url.URL{Scheme: "http", Host: "127.0.0.1"}
	case "http", "https":
	default:
		return nil, fmt.Errorf("invalid address %q: unknown scheme %q; want a URL such as %s", cfg.Address, u.Scheme, DefaultAddress)
	}
	if tr.TLSClientConfig, err = cfg.TLS.config(); err != nil {
		return nil, err
	}
	return &Client{cfg: cfg, base: u, http: &http.Client{Transport: tr}, transport: tr, socket: socket}, nil
}

// Address returns the agent's URL as it was given.
func (c *Client) Address() string { return c.cfg.Address }

func (t *TLSConfig) config() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, InsecureSkipVerify: t.SkipVerify} //nolint:gosec // asked for by the user
	if t.CACert != "" || t.CAPath != "" {
		pool := x509.NewCertPool()
		files := []string{t.CACert}
		if t.CACert == "" {
			var err error
			if files, err = certificateFiles(t.CAPath); err != nil {
				return nil, err
			}
		}
		for _, f := range files {
			pem, err := os.ReadFile(f)
			if err != nil {
				return nil, fmt.Errorf("read CA certificate: %w", err)
			}
			if !pool.AppendCertsFromPEM(pem) {
				return nil, fmt.Errorf("CA file %s holds no certificate", f)
			}
		}
		out.RootCAs = pool
	}
	if (t.ClientCert == "") != (t.ClientKey == "") {
		return nil, errors.New("a client certificate and its key go together: set both or neither")
	}
	if t.ClientCert != "" {
		cert, err := tls.LoadX509KeyPair(t.ClientCert, t.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("load client certificate: %w", err)
		}
		out.Certificates = []tls.Certificate{cert}
	}
	return out, nil
}

// certificateFiles returns the files in a directory, and those that links in it lead to, whatever their names end in.
func certificateFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list CA certificates: %w", err)
	}
	var files []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			files = append(files, path)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("CA directory %s holds no certificate", dir)
	}
	return files, nil
}

// Call runs a unary operation.
func (c *Client) Call(ctx context.Context, op *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	res, err := c.do(ctx, op, req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	meta := readMeta(res.Header)
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return meta, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > 0 {
		if err := c.Decode(op.Name, res.Header.Get("Content-Type"), body, resp); err != nil {
			return meta, err
		}
	}
	if !op.MayBeNull && missing(reflect.ValueOf(resp).Elem()) {
		return meta, fmt.Errorf("the answer of %s to %s is incomplete: is that the address of an agent?", c.cfg.Address, op.Name)
	}
	return meta, nil
}

// Decode decodes an answer to what was asked into resp, a pointer. It refuses web pages and answers that hold null where an
// object should be, so that nobody who reads lists and maps of objects has to look for that; resp is zero then.
func (c *Client) Decode(asked, contentType string, body []byte, resp any) error {
	if err := typeinfo.Unmarshal(body, resp); err != nil {
		if page := c.page(contentType); page != nil {
			return page
		}
		return fmt.Errorf("decode answer of %s: %w", asked, err)
	}
	if path := typeinfo.Hole(resp); path != "" {
		reflect.ValueOf(resp).Elem().SetZero()
		return fmt.Errorf("the answer of %s to %s is incomplete, %s is null: is that the address of an agent?", c.cfg.Address, asked, path)
	}
	return nil
}

// page is the error that an answer of the content type is a web page, nil when it is none.
func (c *Client) page(contentType string) error {
	if !strings.HasPrefix(contentType, "text/html") {
		return nil
	}
	return fmt.Errorf("the answer of %s is a web page: is that the address of an agent, or of something in front of it?", c.cfg.Address)
}

// missing reports whether an answer is not there. Of a write that answers with nothing but its index other agents leave
// the body empty.
func missing(answer reflect.Value) bool {
	return answer.Kind() == reflect.Pointer && answer.IsNil() && answer.Type() != reflect.TypeFor[*api.WriteMeta]()
}

// Raw sends a request to any path of the agent; the caller closes the body.
func (c *Client) Raw(ctx context.Context, method, path string, body io.Reader, header http.Header) (*http.Response, error) {
	rel, err := url.Parse(path)
	if err != nil {
		return nil, fmt.Errorf("invalid path %q: %w", path, err)
	}
	u := *c.base
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/")+rel.Path, ""
	u.RawQuery = rel.RawQuery
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	c.decorate(r)
	maps.Copy(r.Header, header)
	return c.http.Do(r)
}

func (c *Client) decorate(r *http.Request) {
	if c.cfg.Token != "" {
		r.Header.Set("X-Nomad-Token", c.cfg.Token)
	}
	if user, pass, ok := strings.Cut(c.cfg.HTTPAuth, ":"); ok {
		r.SetBasicAuth(user, pass)
	}
}

// do sends the request of an operation and checks the status.
func (c *Client) do(ctx context.Context, op *api.OpInfo, req api.Request) (*http.Response, error) {
	r, err := c.request(ctx, op, req)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read error answer: %w", err)
	}
	return nil, &StatusError{Code: res.StatusCode, Body: strings.TrimSpace(string(body))}
}

// request builds the HTTP request of an operation from its declaration.
func (c *Client) request(ctx context.Context, op *api.OpInfo, req api.Request) (*http.Request, error) {
	if len(op.Routes) == 0 {
		return nil, fmt.Errorf("operation %s has no HTTP route", op.Name)
	}
	q := url.Values{}
	params, body, err := encode(req, q)
	if err != nil {
		return nil, err
	}
	route := pick(op.Routes, params)
	path, err := expand(route.Pattern, params)
	if err != nil {
		return nil, fmt.Errorf("operation %s: %w", op.Name, err)
	}
	c.addOptions(req, q)
	method := http.MethodGet
	if len(route.Methods) > 0 {
		method = route.Methods[0]
	} else if body != nil {
		method = http.MethodPut
	}
	u := *c.base
	u.Path = strings.TrimSuffix(u.Path, "/") + path
	u.RawQuery = q.Encode()
	var rd io.Reader
	if body != nil && method != http.MethodGet {
		rd = bytes.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), rd)
	if err != nil {
		return nil, err
	}
	c.decorate(r)
	return r, nil
}

func (c *Client) addOptions(req api.Request, q url.Values) {
	o := req.Options()
	set := func(k, v string) {
		if v != "" {
			q.Set(k, v)
		}
	}
	set("region", either(o.Region, c.cfg.Region))
	set("namespace", either(o.Namespace, c.cfg.Namespace))
	rr, ok := req.(api.ReadRequest)
	if !ok {
		return
	}
	ro := rr.Read()
	if ro.MinIndex > 0 {
		q.Set("index", strconv.FormatUint(ro.MinIndex, 10))
	}
	if ro.MaxWait > 0 {
		q.Set("wait", strconv.FormatInt(ro.MaxWait.Milliseconds(), 10)+"ms")
	}
	if ro.AllowStale {
		q.Set("stale", "")
	}
	if ro.PerPage != 0 {
		q.Set("per_page", strconv.Itoa(ro.PerPage))
	}
	if ro.Reverse {
		q.Set("reverse", "true")
	}
	set("prefix", ro.Prefix)
	set("filter", ro.Filter)
	set("next_token", ro.NextToken)
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// pick chooses the route whose parameters are all given, the longest first.
func pick(routes []api.Route, params map[string]string) api.Route {
	best := routes[0]
	for _, r := range routes {
		if _, err := expand(r.Pattern, params); err == nil && strings.Count(r.Pattern, "{") > strings.Count(best.Pattern, "{") {
			best = r
		}
	}
	return best
}

func expand(pattern string, params map[string]string) (string, error) {
	segs := strings.Split(pattern, "/")
	for i, s := range segs {
		if !strings.HasPrefix(s, "{") {
			continue
		}
		name := strings.TrimSuffix(strings.Trim(s, "{}"), "...")
		v := params[name]
		if v == "" {
			return "", fmt.Errorf("%s is empty", name)
		}
		segs[i] = v
	}
	return strings.Join(segs, "/"), nil
}

// encode splits a request into path parameters, query values and a JSON body; the body is nil when the
// request has no body fields.
func encode(req api.Request, q url.Values) (params map[string]string, body []byte, err error) {
	v := reflect.ValueOf(req).Elem()
	t := v.Type()
	params = map[string]string{}
	fields := map[string]any{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous || !f.IsExported() {
			continue
		}
		fv := v.Field(i)
		if n := f.Tag.Get("path"); n != "" {
			params[n] = fv.String()
			continue
		}
		if n := f.Tag.Get("query"); n != "" {
			if !fv.IsZero() {
				addQuery(q, n, fv)
			}
			continue
		}
		if f.Tag.Get("body") == "raw" {
			return params, fv.Bytes(), nil
		}
		if f.Tag.Get("body") == "*" {
			body, err = typeinfo.Marshal(fv.Interface(), typeinfo.Input)
			return params, body, err
		}
		name := f.Name
		if n, _, _ := strings.Cut(f.Tag.Get("json"), ","); n != "" {
			name = n
		}
		fields[name] = fv.Interface()
	}
	if len(fields) == 0 {
		return params, nil, nil
	}
	body, err = typeinfo.Marshal(fields, typeinfo.Input)
	return params, body, err
}

func addQuery(q url.Values, name string, v reflect.Value) {
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			q.Add(name, fmt.Sprint(v.Index(i).Interface()))
		}
		return
	}
	q.Set(name, fmt.Sprint(v.Interface()))
}

func readMeta(h http.Header) *api.Meta {
	m := &api.Meta{NextToken: h.Get("X-Nomad-NextToken"), KnownLeader: h.Get("X-Nomad-KnownLeader") == "true"}
	if s := h.Get("X-Nomad-Index"); s != "" {
		if n, err := strconv.ParseUint(s, 10, 64); err == nil {
			m.Index, m.HasIndex = n, true
		}
	}
	if n, err := strconv.ParseInt(h.Get("X-Nomad-LastContact"), 10, 64); err == nil {
		m.LastContact = time.Duration(n) * time.Millisecond
	}
	return m
}

// IsStatus reports whether err is an answer with the HTTP status.
func IsStatus(err error, code int) bool {
	var e *StatusError
	return errors.As(err, &e) && e.Code == code
}
