// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package fs

const openFlags = 0
