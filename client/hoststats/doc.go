// SPDX-License-Identifier: MPL-2.0

// Package hoststats measures the resource use of the machine on request. A Collector remembers the last
// processor times, because use is a difference; it runs nothing by itself. It must not import other parts
// of the client.
package hoststats
