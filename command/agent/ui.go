// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"io"
	"net/http"
)

// page is what /ui/ answers in builds without the web interface.
const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>nomadlike</title>
<body>
<h1>nomadlike</h1>
<p>This agent runs. Its web interface is not part of this build; the HTTP API is at <code>/v1/</code>, and
<code>nomadlike status</code> on the command line shows jobs, allocations and nodes.</p>
</body>
</html>
`

// withoutUI says so in place of the web interface.
func withoutUI(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	io.WriteString(w, page) //nolint:errcheck // the reader is gone
}
