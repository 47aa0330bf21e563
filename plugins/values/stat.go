// SPDX-License-Identifier: MPL-2.0

package values

// Stats is a tree of statistics.
type Stats struct {
	Nested     map[string]*Stats
	Attributes map[string]*Stat
}

// Stat is one statistic. A numerator may come with a denominator, in which
// case the pair reads as "numerator of denominator", both in Unit.
type Stat struct {
	FloatNumerator   *float64
	FloatDenominator *float64
	IntNumerator     *int64
	IntDenominator   *int64
	String           *string
	Bool             *bool
	Unit             string
	Description      string
}
