// SPDX-License-Identifier: MPL-2.0

//go:build !shimembed || !linux || !(amd64 || arm64)

package embed

var image []byte
