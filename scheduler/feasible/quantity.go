// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// quantity is a value of a device attribute, or the literal it is compared with: a number with a unit, a
// truth value or text. text is always set.
type quantity struct {
	text string
	kind quantityKind
	// number is the value in the base unit of the dimension, whole the value as it stands when it is an
	// integer without unit.
	number    float64
	whole     int64
	isWhole   bool
	dimension string
}

type quantityKind uint8

const (
	textual quantityKind = iota
	numeric
	boolean
)

// unit is a suffix of a number: how many of the base unit of a dimension it stands for.
type unit struct {
	dimension string
	factor    float64
}

// units are those of the plugin contract (driver-plugin-protocol.md 12.1).
var units = buildUnits()

func buildUnits() map[string]unit {
	known := map[string]unit{
		"MHz": {"frequency", 1e6}, "GHz": {"frequency", 1e9},
		"mW": {"power", 1e-3}, "W": {"power", 1}, "kW": {"power", 1e3}, "MW": {"power", 1e6}, "GW": {"power", 1e9},
	}
	factor := 1.0
	for _, prefix := range []string{"K", "M", "G", "T", "P", "E"} {
		factor *= 1024
		known[prefix+"iB"] = unit{"size", factor}
		known[prefix+"iB/s"] = unit{"rate", factor}
	}
	factor = 1
	for _, prefix := range []string{"k", "M", "G", "T", "P", "E"} {
		factor *= 1000
		known[prefix+"B"] = unit{"size", factor}
		known[prefix+"B/s"] = unit{"rate", factor}
	}
	known["KB"], known["KB/s"] = known["kB"], known["kB/s"]
	return known
}

// literalQuantity reads text such as "8 GiB", "1.5", "true" or "turbo".
func literalQuantity(text string) quantity {
	trimmed := strings.TrimSpace(text)
	if trimmed == "true" || trimmed == "false" {
		return quantity{text: trimmed, kind: boolean}
	}
	end := len(trimmed)
	for end > 0 && !strings.ContainsRune("0123456789.", rune(trimmed[end-1])) {
		end--
	}
	u, suffix := unit{factor: 1}, strings.TrimSpace(trimmed[end:])
	if suffix != "" {
		var known bool
		if u, known = units[suffix]; !known {
			return quantity{text: text}
		}
	}
	return numberQuantity(text, strings.TrimSpace(trimmed[:end]), u)
}

func numberQuantity(text, digits string, u unit) quantity {
	q := quantity{text: text, kind: numeric, dimension: u.dimension}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return quantity{text: text}
	}
	q.number = n * u.factor
	if q.whole, err = strconv.ParseInt(digits, 10, 64); err == nil && u.dimension == "" {
		q.isWhole = true
	}
	return q
}

// attributeQuantity reads an attribute of a device group.
func attributeQuantity(a *api.DeviceAttribute) (quantity, bool) {
	digits := ""
	switch {
	case a == nil:
		return quantity{}, false
	case a.Int != nil:
		digits = strconv.FormatInt(*a.Int, 10)
	case a.Float != nil:
		digits = strconv.FormatFloat(*a.Float, 'g', -1, 64)
	case a.Bool != nil:
		return quantity{text: strconv.FormatBool(*a.Bool), kind: boolean}, true
	case a.String != nil:
		return quantity{text: *a.String}, true
	default:
		return quantity{}, false
	}
	u, known := units[a.Unit]
	if !known {
		// A unit that is not of the contract compares with nothing but itself.
		u = unit{dimension: a.Unit, factor: 1}
	}
	return numberQuantity(strings.TrimSuffix(digits+" "+a.Unit, " "), digits, u), true
}

// compare orders two quantities; false when they cannot be compared: numbers of different dimensions, or a
// number and text that is none.
func (q quantity) compare(other quantity) (order int, ok bool) {
	switch {
	case q.kind == numeric && other.kind == numeric:
		if q.dimension != other.dimension {
			return 0, false
		}
		if q.isWhole && other.isWhole {
			return cmp.Compare(q.whole, other.whole), true
		}
		return cmp.Compare(q.number, other.number), true
	case q.kind == textual || other.kind == textual:
		return cmp.Compare(q.text, other.text), true
	case q.kind == boolean && other.kind == boolean:
		return cmp.Compare(q.text, other.text), true
	}
	return 0, false
}
