// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// functionTests are expressions with the JSON of their value.
var functionTests = []struct{ expr, want string }{
	{`abs(-3)`, `3`},
	{`ceil(1.2)`, `2`},
	{`floor(1.8)`, `1`},
	{`signum(-9)`, `-1`},
	{`log(8, 2)`, `3`},
	{`pow(2, 10)`, `1024`},
	{`max(1, 3, 2)`, `3`},
	{`max([4, 5]...)`, `5`},
	{`min(1, 3, 2)`, `1`},
	{`parseint("ff", 16)`, `255`},
	{`parseint(11, 2)`, `3`},
	{`parseint("zZ", 62)`, `2231`},
	{`range(3)`, `[0,1,2]`},
	{`range(1, 4)`, `[1,2,3]`},
	{`range(0, 9, 4)`, `[0,4,8]`},

	{`base64encode("héllo")`, `"aMOpbGxv"`},
	{`base64decode("aGVsbG8=")`, `"hello"`},
	{`urlencode("a b&c/ä")`, `"a+b%26c%2F%C3%A4"`},
	{`jsonencode({ a = [1, null] })`, `"{\"a\":[1,null]}"`},
	{`jsondecode("{\"a\":[1,true]}")`, `{"a":[1,true]}`},
	{`yamlencode({ a = [1] })`, `"\"a\":\n- 1\n"`},
	{`yamldecode("a: [1, x]")`, `{"a":[1,"x"]}`},
	{`csvdecode("a,b\n1,2\n")`, `[{"a":"1","b":"2"}]`},

	{`md5("a")`, `"0cc175b9c0f1b6a831c399e269772661"`},
	{`sha1("a")`, `"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"`},
	{`sha256("a")`, `"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"`},
	{`substr(sha512("a"), 0, 16)`, `"1f40fc92da241694"`},
	{`uuidv5("dns", "example.com")`, `"cfbff0d1-9375-5685-968c-48ce8b15ae17"`},
	{`uuidv5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "example.com")`, `"cfbff0d1-9375-5685-968c-48ce8b15ae17"`},
	{`uuidv5("url", "x") == uuidv5("oid", "x") || uuidv5("x500", "x") == ""`, `false`},

	{`cidrhost("10.1.0.0/16", 5)`, `"10.1.0.5"`},
	{`cidrhost("10.1.0.0/16", -2)`, `"10.1.255.254"`},
	{`cidrnetmask("10.0.0.0/12")`, `"255.240.0.0"`},
	{`cidrsubnet("10.0.0.0/8", 8, 2)`, `"10.2.0.0/16"`},
	{`cidrsubnets("10.0.0.0/8", 8, 8, 4)`, `["10.0.0.0/16","10.1.0.0/16","10.16.0.0/12"]`},

	{`chomp("a\n\n")`, `"a"`},
	{`indent(2, "a\nb")`, `"a\n  b"`},
	{`lower("ÀB")`, `"àb"`},
	{`upper("àb")`, `"ÀB"`},
	{`title("hello world")`, `"Hello World"`},
	{`trim("xxaxx", "x")`, `"a"`},
	{`trimprefix("abc", "a")`, `"bc"`},
	{`trimsuffix("abc", "c")`, `"ab"`},
	{`trimspace("\ta \n")`, `"a"`},
	{`reverse("abc")`, `"cba"`},
	{`strrev("abc")`, `"cba"`},
	{`strlen("🤷🏽‍♂️é")`, `2`},
	{`substr("hello", 1, 3)`, `"ell"`},
	{`substr("hello", 1, -1)`, `"ello"`},
	{`replace("a.b.c", ".", "-")`, `"a-b-c"`},
	{`regex_replace("hello", "l(.)", "<$1>")`, `"he\u003cl\u003eo"`},
	{`split(",", "a,b")`, `["a","b"]`},
	{`join("-", ["a", "b"], ["c"])`, `"a-b-c"`},
	{`format("%s=%03d %q", "a", 7, "x")`, `"a=007 \"x\""`},
	{`formatlist("%s!", ["a", "b"])`, `["a!","b!"]`},
	{`formatdate("YYYY-MM-DD hh:mm", "2024-02-03T04:05:06Z")`, `"2024-02-03 04:05"`},
	{`timeadd("2024-02-28T23:00:00Z", "90m")`, `"2024-02-29T00:30:00Z"`},

	{`chunklist(["a", "b", "c"], 2)`, `[["a","b"],["c"]]`},
	{`coalesce("", null, "x", "y")`, `"x"`},
	{`coalescelist([], ["a"])`, `["a"]`},
	{`compact(["a", "", "b"])`, `["a","b"]`},
	{`concat(["a"], ["b", "c"])`, `["a","b","c"]`},
	{`distinct(["a", "b", "a"])`, `["a","b"]`},
	{`element(["a", "b"], 3)`, `"b"`},
	{`flatten([["a"], [["b"]]])`, `["a","b"]`},
	{`slice(["a", "b", "c"], 1, 3)`, `["b","c"]`},
	{`sort(["b", "a"])`, `["a","b"]`},
	{`contains(["a"], "a")`, `true`},
	{`index(["x", "y"], 1)`, `"y"`},
	{`index({ k = "v" }, "k")`, `"v"`},
	{`index(convert({ k = "v" }, map(string)), "k")`, `"v"`},
	{`keys({ b = 1, a = 2 })`, `["a","b"]`},
	{`values({ b = 1, a = 2 })`, `[2,1]`},
	{`length([1, 2]) + length({ a = 1 })`, `3`},
	{`lookup({ a = "1" }, "b", "def")`, `"def"`},
	{`merge({ a = 1, b = 1 }, { b = 2 })`, `{"a":1,"b":2}`},
	{`zipmap(["a", "b"], [1, 2])`, `{"a":1,"b":2}`},
	{`setintersection(["a", "b"], ["b", "c"])`, `["b"]`},
	{`setproduct(["a", "b"], ["x"])`, `[["a","x"],["b","x"]]`},
	{`setunion(["a"], ["b", "a"])`, `["a","b"]`},

	{`can(1 + 1)`, `true`},
	{`can(parseint("x", 10))`, `false`},
	{`try(parseint("x", 10), 7)`, `7`},
	{`convert("3", number)`, `3`},
	{`convert(["b", "a", "b"], set(string))`, `["a","b"]`},
	{`convert({ a = "1" }, object({ a = number }))`, `{"a":1}`},

	{`basename("a/b.txt")`, `"b.txt"`},
	{`dirname("a/b.txt")`, `"a"`},
	{`file("hello.txt")`, `"hello\n"`},
	{`filebase64("hello.txt")`, `"aGVsbG8K"`},
	{`fileexists("hello.txt")`, `true`},
	{`fileexists("none.txt")`, `false`},
	{`fileset(".", "*.txt")`, `["hello.txt"]`},
	{`fileset(".", "**/*.cfg")`, `["sub/a.cfg"]`},
	{`pathexpand("/x") == abspath("/x")`, `true`},
}

// functionDir holds the files the file functions are tested with.
func functionDir(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range map[string]string{"hello.txt": "hello\n", "sub/a.cfg": "x"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// evalIn returns the name of a job with the given name expression, parsed as a file in dir.
func evalIn(dir string, fs bool, expr string, vars ...string) (string, error) {
	src := "variable \"key\" {\n  default = \"\"\n}\njob \"j\" {\n  name = " + expr + "\n}\n"
	res, err := Parse(&Config{Path: filepath.Join(dir, "job.hcl"), Body: []byte(src), AllowFS: fs, ArgVars: vars, Strict: true})
	if err != nil {
		return "", err
	}
	return res.Job.Name, nil
}

func TestFunctions(t *testing.T) {
	dir := functionDir(t)
	for _, tt := range functionTests {
		got, err := evalIn(dir, true, "jsonencode("+tt.expr+")")
		if err != nil {
			t.Errorf("%s: %v", tt.expr, err)
		} else if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.expr, got, tt.want)
		}
	}
}

// TestEveryFunctionIsTested fails for a function without a row in functionTests or a test of its own.
func TestEveryFunctionIsTested(t *testing.T) {
	tested := map[string]bool{"bcrypt": true, "uuidv4": true, "rsadecrypt": true, "abspath": true}
	call := regexp.MustCompile(`\w+\(`)
	for _, tt := range functionTests {
		for _, name := range call.FindAllString(tt.expr, -1) {
			tested[strings.TrimSuffix(name, "(")] = true
		}
	}
	all := functionsFor(".", true)
	for name := range all {
		if !tested[name] {
			t.Errorf("no test calls %s", name)
		}
	}
	for _, absent := range []string{"timestamp", "regex", "regexall", "tostring", "tonumber", "toset", "templatefile"} {
		if _, ok := all[absent]; ok {
			t.Errorf("%s exists", absent)
		}
	}
}

func TestRandomFunctions(t *testing.T) {
	dir := t.TempDir()
	uuid, err := evalIn(dir, false, "uuidv4()")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(uuid) {
		t.Errorf("uuidv4() = %q", uuid)
	}
	for expr, cost := range map[string]int{`bcrypt("pw")`: 10, `bcrypt("pw", 4)`: 4} {
		hash, err := evalIn(dir, false, expr)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := bcrypt.Cost([]byte(hash)); err != nil || got != cost {
			t.Errorf("%s has cost %d, %v, want %d", expr, got, err, cost)
		}
		if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte("pw")); err != nil {
			t.Errorf("%s: %v", expr, err)
		}
	}
}

func TestRSADecrypt(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	cipher, err := rsa.EncryptPKCS1v15(rand.Reader, &key.PublicKey, []byte("hello")) //nolint:staticcheck // rsadecrypt reads it
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	expr := fmt.Sprintf("rsadecrypt(%q, var.key)", base64.StdEncoding.EncodeToString(cipher))
	got, err := evalIn(t.TempDir(), false, expr, "key="+string(text))
	if err != nil || got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFileFunctionsDisabled(t *testing.T) {
	dir := functionDir(t)
	for name := range fileFunctions(dir) {
		args := `"hello.txt"`
		if name == "fileset" {
			args = `".", "*"`
		}
		got, err := evalIn(dir, false, fmt.Sprintf("jsonencode(%s(%s))", name, args))
		if err == nil {
			t.Errorf("%s works without permission: %s", name, got)
		} else if !strings.Contains(err.Error(), "filesystem functions disabled") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFunctionErrors(t *testing.T) {
	tests := []struct{ expr, want string }{
		{`lookup({ a = 1 }, "b")`, "Not enough function arguments"},
		{`length("text")`, "collection must be a list, a map or a tuple"},
		{`index({ a = 1 }, "b")`, "no attribute"},
		{`parseint("x", 10)`, "cannot parse"},
		{`parseint("1", 63)`, "base must be a whole number between 2 and 62 inclusive"},
		{`jsondecode("{")`, "not valid JSON"},
		{`jsondecode("` + strings.Repeat("[", 20_000) + `")`, "not valid JSON"},
		{`file("none.txt")`, "no file exists"},
		{`bcrypt("pw", 15)`, "refused by an agent"},
		{`bcrypt("pw", 99)`, "refused by an agent"},
		{`indent(1000000000, "a\nb")`, "must be between"},
		{`jsonencode(setproduct(range(1000), range(1000), range(1000)))`, "more than 100000 elements"},
		{`convert("x", number)`, "a number is required"},
	}
	for _, tt := range tests {
		_, err := evalIn(t.TempDir(), strings.HasPrefix(tt.expr, "file"), tt.expr)
		name := tt.expr[:min(len(tt.expr), 60)]
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %q does not mention %q", name, err, tt.want)
		}
	}
}
