// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"crypto/fips140"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/hashicorp/go-cty-funcs/cidr"
	"github.com/hashicorp/go-cty-funcs/collection"
	"github.com/hashicorp/go-cty-funcs/crypto"
	"github.com/hashicorp/go-cty-funcs/encoding"
	"github.com/hashicorp/go-cty-funcs/filesystem"
	"github.com/hashicorp/go-cty-funcs/uuid"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"github.com/zclconf/go-cty/cty/gocty"
	"go.yaml.in/yaml/v3"
)

// errFilesystem is what file functions return where the caller does not allow them.
var errFilesystem = errors.New("filesystem functions disabled")

// pureFunctions need neither files nor limits.
var pureFunctions = map[string]function.Function{
	"abs":      stdlib.AbsoluteFunc,
	"ceil":     stdlib.CeilFunc,
	"floor":    stdlib.FloorFunc,
	"log":      stdlib.LogFunc,
	"max":      stdlib.MaxFunc,
	"min":      stdlib.MinFunc,
	"parseint": parseIntFunc,
	"pow":      stdlib.PowFunc,
	"range":    stdlib.RangeFunc,
	"signum":   stdlib.SignumFunc,

	"base64decode": encoding.Base64DecodeFunc,
	"base64encode": encoding.Base64EncodeFunc,
	"csvdecode":    stdlib.CSVDecodeFunc,
	"jsonencode":   stdlib.JSONEncodeFunc,
	"urlencode":    encoding.URLEncodeFunc,
	"yamlencode":   ctyyaml.YAMLEncodeFunc,

	"rsadecrypt": crypto.RsaDecryptFunc,
	"sha256":     crypto.Sha256Func,
	"sha512":     crypto.Sha512Func,
	"uuidv4":     uuid.V4Func,
	"uuidv5":     uuid.V5Func,

	"cidrhost":    cidr.HostFunc,
	"cidrnetmask": cidr.NetmaskFunc,
	"cidrsubnet":  cidr.SubnetFunc,
	"cidrsubnets": cidr.SubnetsFunc,

	"chomp":      stdlib.ChompFunc,
	"formatdate": stdlib.FormatDateFunc,
	"lower":      stdlib.LowerFunc,
	"reverse":    stdlib.ReverseFunc,
	"split":      stdlib.SplitFunc,
	"strlen":     stdlib.StrlenFunc,
	"strrev":     stdlib.ReverseFunc,
	"substr":     stdlib.SubstrFunc,
	"timeadd":    stdlib.TimeAddFunc,
	"title":      stdlib.TitleFunc,
	"trim":       stdlib.TrimFunc,
	"trimprefix": stdlib.TrimPrefixFunc,
	"trimspace":  stdlib.TrimSpaceFunc,
	"trimsuffix": stdlib.TrimSuffixFunc,
	"upper":      stdlib.UpperFunc,

	"chunklist":       stdlib.ChunklistFunc,
	"coalesce":        collection.CoalesceFunc,
	"coalescelist":    stdlib.CoalesceListFunc,
	"compact":         stdlib.CompactFunc,
	"concat":          stdlib.ConcatFunc,
	"contains":        stdlib.ContainsFunc,
	"distinct":        stdlib.DistinctFunc,
	"element":         stdlib.ElementFunc,
	"flatten":         stdlib.FlattenFunc,
	"index":           indexFunc,
	"keys":            stdlib.KeysFunc,
	"length":          lengthFunc,
	"lookup":          stdlib.LookupFunc,
	"merge":           stdlib.MergeFunc,
	"setintersection": stdlib.SetIntersectionFunc,
	"setunion":        stdlib.SetUnionFunc,
	"slice":           stdlib.SliceFunc,
	"sort":            stdlib.SortFunc,
	"values":          stdlib.ValuesFunc,
	"zipmap":          stdlib.ZipmapFunc,

	"can": tryfunc.CanFunc,
	"try": tryfunc.TryFunc,
}

// fileFunctions read files or depend on the machine they run on; relative paths start at dir.
func fileFunctions(dir string) map[string]function.Function {
	return map[string]function.Function{
		"abspath":    filesystem.AbsPathFunc,
		"basename":   filesystem.BasenameFunc,
		"dirname":    filesystem.DirnameFunc,
		"file":       filesystem.MakeFileFunc(dir, false),
		"filebase64": filesystem.MakeFileFunc(dir, true),
		"fileexists": filesystem.MakeFileExistsFunc(dir),
		"fileset":    filesystem.MakeFileSetFunc(dir),
		"pathexpand": filesystem.PathExpandFunc,
	}
}

// functionsFor returns every function a job file may call. File functions fail unless allowFS is set.
func functionsFor(dir string, allowFS bool) map[string]function.Function {
	all := maps.Clone(pureFunctions)
	if !fips140.Enabled() {
		all["md5"] = crypto.Md5Func
		all["sha1"] = crypto.Sha1Func
	}
	all["bcrypt"] = guard(crypto.BcryptFunc, limitBcrypt(allowFS))
	all["format"] = guard(stdlib.FormatFunc, limitFormat)
	all["formatlist"] = guard(stdlib.FormatListFunc, limitFormat)
	all["join"] = guard(stdlib.JoinFunc, limitJoin)
	all["regex_replace"] = guard(stdlib.RegexReplaceFunc, limitRegexReplace)
	all["replace"] = guard(stdlib.ReplaceFunc, limitReplace)
	all["indent"] = guard(stdlib.IndentFunc, limitIndent)
	all["jsondecode"] = guard(stdlib.JSONDecodeFunc, validJSON)
	all["yamldecode"] = guard(ctyyaml.YAMLDecodeFunc, limitYAML)
	all["convert"] = guard(typeexpr.ConvertFunc, limitNumbers)
	all["setproduct"] = guard(stdlib.SetProductFunc, limitProduct)
	for name, fn := range fileFunctions(dir) {
		if !allowFS {
			fn = guard(fn, func([]cty.Value) error { return errFilesystem })
		}
		all[name] = fn
	}
	return all
}

// guard returns fn with check run on the arguments of each call first.
func guard(fn function.Function, check func(args []cty.Value) error) function.Function {
	params := append([]function.Parameter(nil), fn.Params()...)
	return function.New(&function.Spec{
		Description: fn.Description(),
		Params:      params,
		VarParam:    fn.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := check(args); err != nil {
				return cty.DynamicPseudoType, err
			}
			return fn.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return fn.Call(args)
		},
	})
}

// Limits on arguments that would keep a small job file from ever finishing. A cost of 14 takes about a
// second; a user's own machine may spend what bcrypt itself allows.
const (
	maxRemoteCost = 14
	maxIndent     = 10_000
	maxProduct    = 100_000
	maxYAML       = 100_000
)

func limitBcrypt(local bool) func([]cty.Value) error {
	return func(args []cty.Value) error {
		if local || len(args) < 2 || !args[1].IsKnown() || args[1].IsNull() {
			return nil
		}
		var cost int
		if err := gocty.FromCtyValue(args[1], &cost); err != nil {
			return function.NewArgError(1, err)
		}
		if cost > maxRemoteCost {
			return function.NewArgErrorf(1, "a cost above %d is refused by an agent", maxRemoteCost)
		}
		return nil
	}
}

func limitIndent(args []cty.Value) error {
	if !args[0].IsKnown() || args[0].IsNull() {
		return nil
	}
	var spaces int
	if err := gocty.FromCtyValue(args[0], &spaces); err != nil {
		return function.NewArgError(0, err)
	}
	if spaces < 0 || spaces > maxIndent {
		return function.NewArgErrorf(0, "must be between 0 and %d", maxIndent)
	}
	return nil
}

func limitProduct(args []cty.Value) error {
	total := 1
	for _, arg := range args {
		if arg, _ = arg.Unmark(); !arg.IsKnown() || arg.IsNull() || !arg.CanIterateElements() {
			continue
		}
		if total *= arg.LengthInt(); total > maxProduct {
			return fmt.Errorf("the product has more than %d elements", maxProduct)
		}
	}
	return nil
}

// limitYAML bounds what a text becomes when its aliases are replaced, which is where the decoder's work is.
func limitYAML(args []cty.Value) error {
	if err := limitNumbers(args); err != nil {
		return err
	}
	text, ok := texts(args)
	if !ok || !strings.Contains(text[0], "*") {
		return nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text[0]), &doc); err != nil {
		return function.NewArgError(0, err)
	}
	if expanded(&doc, map[*yaml.Node]int{}) > maxYAML {
		return function.NewArgErrorf(0, "there are more than %d values, aliases replaced", maxYAML)
	}
	return nil
}

// expanded counts the nodes below n with aliases replaced, up to one more than maxYAML; seen has the counts of
// the nodes that were counted or, 0, that are being.
func expanded(n *yaml.Node, seen map[*yaml.Node]int) int {
	if total, ok := seen[n]; ok {
		return total
	}
	seen[n] = 0
	total := 1
	for _, c := range n.Content {
		total = min(total+expanded(c, seen), maxYAML+1)
	}
	if n.Alias != nil {
		total = expanded(n.Alias, seen)
	}
	seen[n] = total
	return total
}

// validJSON also bounds the nesting, which the decoder itself does not.
func validJSON(args []cty.Value) error {
	if err := limitNumbers(args); err != nil {
		return err
	}
	if arg, _ := args[0].Unmark(); arg.IsKnown() && !arg.IsNull() && !json.Valid([]byte(arg.AsString())) {
		var v any
		err := json.Unmarshal([]byte(arg.AsString()), &v)
		return function.NewArgErrorf(0, "not valid JSON: %s", err)
	}
	return nil
}
