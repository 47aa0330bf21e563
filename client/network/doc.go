// SPDX-License-Identifier: MPL-2.0

// Package network makes the network of an allocation that is not that of the host (drivers.md 11): the network
// namespace, its connection to the node's bridge or to a network of the operator, and the way from ports of the
// host to it.
//
// Everything inside the namespace is done by CNI plugins, programs of the operator that a Manager calls for several
// allocations side by side. The package keeps nothing: what an allocation got is stored by its runner, and all calls
// may be repeated. It knows neither drivers, which may make the namespace themselves, nor jobs.
package network
