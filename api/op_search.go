// SPDX-License-Identifier: MPL-2.0

package api

// SearchRequest asks for IDs that begin with Prefix, in one context or in "all".
type SearchRequest struct {
	ReadOptions
	// Text is the prefix; in the body it is called Prefix.
	Text    string `json:"Prefix"`
	Context string
}

// FuzzySearchRequest asks for names that contain Text, in one context or in "all".
type FuzzySearchRequest struct {
	ReadOptions
	Text    string
	Context string
}

// Search operations.
var (
	Search = Declare(Op[SearchRequest, *SearchResponse]{
		Name: "Search.Prefix", Metric: "search.prefix_search", HTTP: "PUT /v1/search", Mode: ModeRead, Reads: Stale,
		Need: Need{Anyone: true}, Doc: "Find objects by the beginning of their ID or name.",
	})
	SearchFuzzy = Declare(Op[FuzzySearchRequest, *FuzzySearchResponse]{
		Name: "Search.Fuzzy", Metric: "search.fuzzy_search", HTTP: "PUT /v1/search/fuzzy", Mode: ModeRead, Reads: Stale,
		Need: Need{Anyone: true}, Doc: "Find objects by a part of their name.",
	})
)
