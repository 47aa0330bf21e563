// SPDX-License-Identifier: MPL-2.0

//go:build shimembed

package embed

import _ "embed"

//go:embed shim_linux_arm64
var image []byte
