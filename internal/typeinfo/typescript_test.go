// SPDX-License-Identifier: MPL-2.0

package typeinfo

import (
	"reflect"
	"testing"
	"time"
)

type tsBase struct{ Index uint64 }

type tsPart struct {
	_ struct{} `api:"sparse"`

	Label string
	Self  *tsPart
}

type tsWhole struct {
	tsBase

	At      *time.Time
	Wait    *time.Duration
	Data    []byte
	Tags    []string
	Parts   []*tsPart
	ByName  map[string]*tsPart
	Lists   map[string][]int
	Secret  string `json:"-"`
	Only    bool   `api:"in"`
	Renamed any    `json:"other"`
}

func TestTypeScript(t *testing.T) {
	var ts TypeScript
	if got := ts.Name(reflect.TypeFor[[]*tsWhole]()); got != "tsWhole[] | null" {
		t.Errorf("the list is %q", got)
	}
	got, err := ts.Declarations()
	if err != nil {
		t.Fatal(err)
	}
	want := `
export interface tsPart {
  Label?: string;
  Self?: tsPart | null;
}

export interface tsWhole {
  Index: number;
  At: string | null;
  Wait: number | null;
  Data: string | null;
  Tags: string[] | null;
  Parts: tsPart[] | null;
  ByName: Record<string, tsPart> | null;
  Lists: Record<string, number[] | null> | null;
  Only?: boolean;
  other: unknown;
}
`
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
