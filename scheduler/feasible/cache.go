// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"regexp"
	"sync"

	"github.com/hashicorp/go-version"
)

// cacheLimit bounds each kind of compiled text; when it is reached the cache starts over.
const cacheLimit = 4096

// Cache keeps compiled regular expressions and version constraints between passes. It is safe for
// concurrent use; a nil *Cache compiles every time.
type Cache struct {
	mu struct {
		sync.Mutex
		regexps  map[string]*regexp.Regexp
		versions map[string]version.Constraints
		semvers  map[string]semverConstraint
	}
}

// NewCache returns an empty cache.
func NewCache() *Cache { return &Cache{} }

// regexp returns the compiled expression, nil when it does not compile.
func (c *Cache) regexp(text string) *regexp.Regexp {
	if c == nil {
		return compileRegexp(text)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return lookup(&c.mu.regexps, text, compileRegexp)
}

// version returns the compiled version constraint, nil when it does not compile.
func (c *Cache) version(text string) version.Constraints {
	if c == nil {
		return compileVersion(text)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return lookup(&c.mu.versions, text, compileVersion)
}

// semver returns the compiled semver constraint, nil when it does not compile.
func (c *Cache) semver(text string) semverConstraint {
	if c == nil {
		return compileSemver(text)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return lookup(&c.mu.semvers, text, compileSemver)
}

func lookup[T any](m *map[string]T, text string, compile func(string) T) T {
	if v, ok := (*m)[text]; ok {
		return v
	}
	if *m == nil || len(*m) >= cacheLimit {
		*m = map[string]T{}
	}
	v := compile(text)
	(*m)[text] = v
	return v
}

func compileRegexp(text string) *regexp.Regexp {
	re, err := regexp.Compile(text)
	if err != nil {
		return nil
	}
	return re
}

func compileVersion(text string) version.Constraints {
	c, err := version.NewConstraint(text)
	if err != nil {
		return nil
	}
	return c
}
