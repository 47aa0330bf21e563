// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"maps"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

func TestMetadata(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		for what, meta := range map[string]map[string]*string{"none": nil, "an empty key": {"": new("x")}} {
			if _, err := call(b, api.ClientMetadataApply, &api.ClientMetadataRequest{Meta: meta}); !api.IsClass(err, api.ClassInvalid) {
				t.Errorf("%s gives %v", what, err)
			}
		}
		m, err := call(b, api.ClientMetadataApply, &api.ClientMetadataRequest{Meta: map[string]*string{"rack": new("r1"), "gone": nil}})
		if err != nil || m.Meta["rack"] != "r1" || *m.Dynamic["rack"] != "r1" || len(m.Dynamic) != 1 {
			t.Fatalf("apply answers %+v, %v", m, err)
		}
		pass(time.Second)
		if n := b.client.Node(); n.Meta["rack"] != "r1" {
			t.Errorf("the node's metadata is %v", n.Meta)
		}
		b.halt()
		b.boot()
		pass(time.Second)
		m, err = call(b, api.ClientMetadataGet, &api.ClientRequest{})
		if err != nil || !maps.Equal(m.Meta, map[string]string{"rack": "r1"}) || m.Static == nil {
			t.Errorf("after a restart: %+v, %v", m, err)
		}
		m, err = call(b, api.ClientMetadataApply, &api.ClientMetadataRequest{Meta: map[string]*string{"rack": nil}})
		if err != nil || len(m.Meta) != 0 || len(m.Dynamic) != 0 {
			t.Errorf("after the removal: %+v, %v", m, err)
		}
	})
}
