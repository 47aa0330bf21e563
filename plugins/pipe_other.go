// SPDX-License-Identifier: MPL-2.0

//go:build !unix

package plugins

// surviveBrokenPipes does nothing where broken pipes raise no signal.
func surviveBrokenPipes() {}
