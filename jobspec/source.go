// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
)

// byteOrderMark is what some editors begin UTF-8 text with. The reader of native syntax passes over it, those of JSON
// do not.
const byteOrderMark = "\xef\xbb\xbf"

func withoutMark(src []byte) []byte { return bytes.TrimPrefix(src, []byte(byteOrderMark)) }

// isJSON reports whether src is meant as JSON: its first visible character opens an object.
func isJSON(src []byte) bool {
	src = bytes.TrimLeft(src, " \t\r\n")
	return len(src) > 0 && src[0] == '{'
}

// load parses src, in native or JSON syntax, and remembers it for messages. It returns nil when the
// source has errors.
func (d *decoder) load(src []byte, filename string) *hcl.File {
	if text := withoutMark(src); isJSON(text) {
		src = text
		if diags := checkJSON(src, filename); diags.HasErrors() {
			d.report(diags...)
			return nil
		}
		return d.loaded(filename, src, hcljson.Parse)
	}
	if diags := checkConfig(src, filename); diags.HasErrors() {
		d.files[filename] = &hcl.File{Bytes: src}
		d.report(diags...)
		return nil
	}
	return d.loaded(filename, src, func(src []byte, filename string) (*hcl.File, hcl.Diagnostics) {
		return hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
	})
}

func (d *decoder) loaded(filename string, src []byte, parse func([]byte, string) (*hcl.File, hcl.Diagnostics)) *hcl.File {
	file, diags := parse(src, filename)
	if file == nil {
		file = &hcl.File{Bytes: src}
	}
	d.files[filename] = file
	d.report(diags...)
	if diags.HasErrors() {
		return nil
	}
	return file
}
