// SPDX-License-Identifier: MPL-2.0

// Package arch holds the rules of the structure as tests; it has no code of its own. Each rule says in
// its failure why it exists.
package arch
