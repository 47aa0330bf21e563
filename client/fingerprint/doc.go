// SPDX-License-Identifier: MPL-2.0

// Package fingerprint finds out what a node is and has: processors, memory, disk, network, operating
// system, and the settings of the operator that change it. The attribute names are those of the contract
// (recorded/node-read.json).
//
// Detect reads the machine and owns nothing; calling it again gives a new snapshot. Where the machine does
// not tell, attributes are left out. The package must not import other parts of the client.
package fingerprint
