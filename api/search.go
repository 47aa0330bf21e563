// SPDX-License-Identifier: MPL-2.0

package api

// SearchResponse answers a prefix search: ids by context; a context without a match is null.
type SearchResponse struct {
	// Matches: context to ids.
	Matches map[string][]string
	// Truncations: whether a context had more matches than shown.
	Truncations map[string]bool
	ResponseMeta
}

// FuzzySearchResponse answers a fuzzy search.
type FuzzySearchResponse struct {
	// Matches: context to matches, earliest match position first.
	Matches map[string][]*FuzzyMatch
	// Truncations: whether a context had more matches than shown.
	Truncations map[string]bool
	ResponseMeta
}

// FuzzyMatch is one match of a fuzzy search.
type FuzzyMatch struct {
	// ID: Matched name or id.
	ID string
	// Scope: What leads to the object, by context: jobs `[namespace, job]`, tasks `[namespace, job, group]`.
	Scope []string
}
