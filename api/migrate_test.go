// SPDX-License-Identifier: MPL-2.0

package api

import (
	"strings"
	"testing"
	"time"
)

func TestMigrateToken(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	token := MigrateToken("a1", "secret", now)
	later := strings.Replace(token, "1800000900", "1900000000", 1)
	for name, tc := range map[string]struct {
		token, alloc, secret string
		at                   time.Time
		ok                   bool
	}{
		"good":         {token, "a1", "secret", now.Add(MigrateTokenTTL - time.Second), true},
		"too late":     {token, "a1", "secret", now.Add(MigrateTokenTTL), false},
		"extended":     {later, "a1", "secret", now, false},
		"other alloc":  {token, "a2", "secret", now, false},
		"other node":   {token, "a1", "other", now, false},
		"no secret":    {MigrateToken("a1", "", now), "a1", "", now, false},
		"nothing":      {"", "a1", "secret", now, false},
		"no signature": {"1900000000", "a1", "secret", now, false},
	} {
		if got := CheckMigrateToken(tc.token, tc.alloc, tc.secret, tc.at); got != tc.ok {
			t.Errorf("%s: %t, want %t", name, got, tc.ok)
		}
	}
	if later == token {
		t.Error("the end of the token is not where the test expects it")
	}
}
