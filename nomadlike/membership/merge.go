// SPDX-License-Identifier: MPL-2.0

package membership

import (
	"fmt"

	"github.com/hashicorp/serf/serf"
)

// mergeDelegate refuses to join gossip rings of anything but servers.
type mergeDelegate struct{}

// NotifyMerge is called before this server joins, or is joined by, other members.
func (*mergeDelegate) NotifyMerge(members []*serf.Member) error {
	for _, m := range members {
		if m.Tags["role"] != role {
			return fmt.Errorf("member %q is no server (role %q)", m.Name, m.Tags["role"])
		}
	}
	return nil
}
