// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"context"
	"errors"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
)

// catcher remembers the request that arrived and refuses it.
type catcher struct {
	op  string
	req api.Request
}

var errCaught = errors.New("caught")

func (c *catcher) Call(_ context.Context, op *api.OpInfo, req api.Request, _ any) (*api.Meta, error) {
	c.op, c.req = op.Name, req
	return nil, errCaught
}

func (c *catcher) Open(_ context.Context, op *api.OpInfo, req api.Request) (api.Stream, error) {
	c.op, c.req = op.Name, req
	return nil, errCaught
}

// TestRequestsArriveAsSent sends a request of every operation, with each of its fields set, through the
// HTTP client and the router and compares what arrives.
func TestRequestsArriveAsSent(t *testing.T) {
	caught := &catcher{}
	srv := httptest.NewServer(New(Config{Caller: caught}))
	defer srv.Close()
	c, err := client.New(client.Config{Address: srv.URL, Token: "secret", Region: "r", Namespace: "ns"})
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, op := range api.Operations() {
		if len(op.Routes) == 0 || op.Wire == api.WireSocket {
			continue
		}
		want := op.NewRequest()
		fill(reflect.ValueOf(want).Elem(), op.Reads)
		*caught = catcher{}
		switch {
		case op.Wire == api.WireUpload: // is not sent before there is something to upload, or nothing more
			var s api.Stream
			if s, err = c.Open(t.Context(), op, want); err == nil {
				err = errors.Join(s.CloseSend(), s.Recv(nil))
			}
		case op.Stream:
			_, err = c.Open(t.Context(), op, want)
		default:
			_, err = c.Call(t.Context(), op, want, op.NewResponse())
		}
		if caught.op != op.Name {
			t.Errorf("%s arrived as %q (%v)", op.Name, caught.op, err)
			continue
		}
		o := want.Options()
		o.AuthToken, o.Region, o.Namespace = "secret", "r", "ns"
		if diff := cmp.Diff(want, caught.req, cmpopts.EquateEmpty(), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Errorf("%s differs:\n%s", op.Name, diff)
		}
		sent++
	}
	if sent < 40 {
		t.Errorf("only %d operations were tried", sent)
	}
}

// fill sets the fields of a request that travel, down to the first level.
func fill(v reflect.Value, reads api.Reads) {
	for i := range v.NumField() {
		f, sf := v.Field(i), v.Type().Field(i)
		if !sf.IsExported() {
			continue
		}
		switch x := f.Addr().Interface().(type) {
		case *api.ReadOptions:
			setReads(x, reads)
			continue
		case *api.WriteOptions:
			continue
		}
		switch f.Kind() {
		case reflect.String:
			f.SetString(map[bool]string{true: "true", false: "a b/c"}[sf.Name == "Follow"])
			if sf.Tag.Get("path") != "" {
				f.SetString("x")
			}
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int, reflect.Int64:
			f.SetInt(5)
		case reflect.Uint64:
			f.SetUint(6)
		case reflect.Slice:
			if f.Type().Elem().Kind() == reflect.String {
				f.Set(reflect.ValueOf([]string{"one", "two&="}))
			}
		case reflect.Struct:
			fill(f, reads)
		case reflect.Pointer:
			if f.Type() == reflect.TypeFor[*api.Job]() {
				f.Set(reflect.ValueOf(&api.Job{ID: "j", Meta: map[string]string{"a": "<b>"}}))
			}
		}
	}
}

// setReads sets the reading options of the conventions that an operation follows; the others do not travel.
func setReads(o *api.ReadOptions, reads api.Reads) {
	if reads&api.Blocking != 0 {
		o.MinIndex, o.MaxWait = 7, time.Second
	}
	if reads&api.Stale != 0 {
		o.AllowStale = true
	}
	if reads&api.Prefixed != 0 {
		o.Prefix = "p"
	}
	if reads&api.Filtered != 0 {
		o.Filter = "f"
	}
	if reads&api.Paginated != 0 {
		o.NextToken, o.PerPage = "t", 3
	}
	if reads&api.Reversible != 0 {
		o.Reverse = true
	}
}
