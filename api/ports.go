// SPDX-License-Identifier: MPL-2.0

package api

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// PortRange is the ports From to To, both included.
type PortRange struct{ From, To uint16 }

// ParsePorts reads a list of ports and ranges of them such as "22,8000-8100". With an error, which names every part that
// is neither, come the parts that are.
func ParsePorts(list string) ([]PortRange, error) {
	if strings.TrimSpace(list) == "" {
		return nil, nil
	}
	var out []PortRange
	var errs []error
	for part := range strings.SplitSeq(list, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.ParseUint(strings.TrimSpace(low), 10, 16)
		to, err2 := strconv.ParseUint(strings.TrimSpace(high), 10, 16)
		if err1 != nil || err2 != nil || from < 1 || from > to {
			errs = append(errs, fmt.Errorf("%q is neither a port nor a range of ports such as 8000-8100", strings.TrimSpace(part)))
			continue
		}
		out = append(out, PortRange{uint16(from), uint16(to)}) //nolint:gosec // of 16 bits
	}
	return out, errors.Join(errs...)
}
