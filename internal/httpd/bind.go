// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

type bodyMode uint8

const (
	bodyNone bodyMode = iota
	bodyRequired
	bodyOptional
	bodyRaw
)

// binding fills the request of one operation from an HTTP request; compiled once.
type binding struct {
	op    *api.OpInfo
	path  []boundField
	query []boundField
	body  bodyMode
	// whole is the index of the field that is the whole body (or, with bodyRaw, gets its bytes), nil when the request
	// itself is.
	whole []int
	// list says that the answer is a list of objects, which is sent while it is made.
	list bool
	// bodyRegion says that a region in the body wins over the query's (http-api.md 1.8).
	bodyRegion bool
}

type boundField struct {
	name  string
	index []int
	kind  reflect.Kind
}

func newBinding(op *api.OpInfo) *binding {
	b := &binding{op: op, list: !op.Stream && listAnswer(op), bodyRegion: op.Name == api.JobRegister.Info().Name || op.Name == api.JobPlan.Info().Name}
	t := reflect.TypeOf(op.NewRequest()).Elem()
	for f := range t.Fields() {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		bf := boundField{index: f.Index, kind: f.Type.Kind()}
		if n := f.Tag.Get("path"); n != "" {
			bf.name = n
			b.path = append(b.path, bf)
			continue
		}
		if n := f.Tag.Get("query"); n != "" {
			bf.name = n
			b.query = append(b.query, bf)
			continue
		}
		switch f.Tag.Get("body") {
		case "*":
			b.whole, b.body = f.Index, bodyRequired
		case "raw":
			b.whole, b.body = f.Index, bodyRaw
		case "optional":
			b.body = bodyOptional
		default:
			if b.body == bodyNone {
				b.body = bodyRequired
			}
		}
	}
	return b
}

func (b *binding) bind(w http.ResponseWriter, r *http.Request, req api.Request, params map[string]string, maxBody int64) error {
	v := reflect.ValueOf(req).Elem()
	if b.body != bodyNone {
		if err := b.bindBody(w, r, req, v, maxBody); err != nil {
			err.Message = bodyErrorPrefix[b.op.Name] + err.Message
			return err
		}
	}
	for _, f := range b.path {
		v.FieldByIndex(f.index).SetString(params[f.name])
	}
	q := r.URL.Query()
	for _, f := range b.query {
		if err := f.set(v.FieldByIndex(f.index), q); err != nil {
			return err
		}
	}
	o := req.Options()
	if s := q.Get("region"); s != "" && (o.Region == "" || !b.bodyRegion) {
		o.Region = s
	}
	if s := q.Get("namespace"); s != "" {
		o.Namespace = s
	}
	o.AuthToken = token(r)
	rr, ok := req.(api.ReadRequest)
	if !ok {
		return nil
	}
	if b.op.Stream {
		return bindStale(rr.Read(), q) // a stream neither blocks nor has pages; "index" may be a field of its own
	}
	return bindRead(rr.Read(), q)
}

func (b *binding) bindBody(w http.ResponseWriter, r *http.Request, req api.Request, v reflect.Value, maxBody int64) *api.Error {
	if b.body == bodyRaw {
		data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		v.FieldByIndex(b.whole).SetBytes(data)
		return bodyError(err)
	}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		if b.body == bodyOptional {
			return nil
		}
		return api.Errorf(api.ClassInvalid, "Request body is empty")
	}
	dst := any(req)
	if b.whole != nil {
		dst = v.FieldByIndex(b.whole).Addr().Interface()
	}
	err := typeinfo.Decode(http.MaxBytesReader(w, r.Body, maxBody), dst)
	if errors.Is(err, io.EOF) && b.body == bodyOptional {
		return nil
	}
	return bodyError(err)
}

// bodyErrorPrefix is what the contract puts before errors of the body, by operation.
var bodyErrorPrefix = map[string]string{
	api.AllocSignal.Info().Name:  "Failed to decode body: ",
	api.AutopilotSet.Info().Name: "Error parsing autopilot config: ",
}

func bodyError(err error) *api.Error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return api.CodeErrorf(api.ClassInvalid, http.StatusRequestEntityTooLarge, "request body is larger than %d bytes", tooLarge.Limit)
	case err != nil:
		return api.Errorf(api.ClassInvalid, "%s", err)
	}
	return nil
}

func (f *boundField) set(v reflect.Value, q url.Values) error {
	vals, ok := q[f.name]
	if !ok {
		return nil
	}
	s := vals[0]
	switch f.kind {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		if s == "" {
			return nil
		}
		x, err := strconv.ParseBool(s)
		if err != nil {
			return api.CodeErrorf(api.ClassInvalid, http.StatusInternalServerError, "Failed to parse value of %q (%v) as a bool: %v", f.name, s, err)
		}
		v.SetBool(x)
	case reflect.Int, reflect.Int64:
		if s == "" {
			return nil
		}
		x, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return api.Errorf(api.ClassInvalid, "Failed to parse value of %q (%v) as an integer: %v", f.name, s, err)
		}
		v.SetInt(x)
	case reflect.Slice:
		v.Set(reflect.ValueOf(vals))
	default:
		return fmt.Errorf("query field %s has kind %s", f.name, f.kind)
	}
	return nil
}

func bindRead(o *api.ReadOptions, q url.Values) error {
	if s := q.Get("index"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return api.Errorf(api.ClassInvalid, "Invalid index")
		}
		o.MinIndex = n
	}
	if s := q.Get("wait"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			return api.Errorf(api.ClassInvalid, "Invalid wait time")
		}
		o.MaxWait = d
	}
	if err := bindStale(o, q); err != nil {
		return err
	}
	if s := q.Get("per_page"); s != "" {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil {
			return api.Errorf(api.ClassInvalid, "Expect a number for `per_page` query string parameter")
		}
		o.PerPage = int(n)
	}
	o.Prefix, o.Filter, o.NextToken = q.Get("prefix"), q.Get("filter"), q.Get("next_token")
	o.Reverse = q.Get("reverse") == "true"
	return nil
}

func bindStale(o *api.ReadOptions, q url.Values) error {
	vals, ok := q["stale"]
	if !ok {
		return nil
	}
	switch vals[0] {
	case "", "true":
		o.AllowStale = true
	case "false":
	default:
		return api.Errorf(api.ClassInvalid, "Expect `true` or `false` for `stale` query string parameter")
	}
	return nil
}

// token finds the caller's secret: X-Nomad-Token first, then a bearer token.
func token(r *http.Request) string {
	if t := strings.TrimSpace(r.Header.Get("X-Nomad-Token")); t != "" {
		return t
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	if f := strings.Fields(rest); len(f) > 0 {
		return f[0]
	}
	return ""
}
