// SPDX-License-Identifier: MPL-2.0

package e2e

import "testing"

// TestAdvertiseByName tells others names instead of addresses.
func TestAdvertiseByName(t *testing.T) {
	a := newAgent(t, false, `
advertise {
  http = "localhost"
  rpc  = "localhost"
  serf = "localhost"
}
`).start()
	members, err := a.client.Agent().Members()
	if err != nil {
		t.Fatal(err)
	}
	if len(members.Members) != 1 || members.Members[0].Status != "alive" {
		t.Errorf("members: %+v", members.Members)
	}
}
