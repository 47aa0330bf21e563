// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The HCL parser and evaluator recurse, and a Go stack overflow cannot be recovered from. These limits
// are checked on tokens before anything recurses; no job file written for a purpose comes near.
const (
	maxNesting   = 500
	maxOperators = 10_000

	// maxWords bounds the words and signs of a source before it is taken apart into those, of which each takes some
	// hundred bytes then.
	maxWords = 1_000_000
)

// checkConfig reports HCL native source that is nested too deeply to be parsed safely.
func checkConfig(src []byte, filename string) hcl.Diagnostics {
	if diags := checkWords(src, filename, hcl.InitialPos); diags.HasErrors() {
		return diags
	}
	tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos) // the parser reports lexical errors
	return checkTokens(tokens)
}

// checkTemplate is checkConfig for template text that starts at start.
func checkTemplate(src []byte, filename string, start hcl.Pos) hcl.Diagnostics {
	if diags := checkWords(src, filename, start); diags.HasErrors() {
		return diags
	}
	tokens, _ := hclsyntax.LexTemplate(src, filename, start)
	return checkTokens(tokens)
}

// checkExpression is checkConfig for a single expression.
func checkExpression(src []byte, filename string) hcl.Diagnostics {
	if diags := checkWords(src, filename, hcl.InitialPos); diags.HasErrors() {
		return diags
	}
	tokens, _ := hclsyntax.LexExpression(src, filename, hcl.InitialPos)
	return checkTokens(tokens)
}

// checkWords reports source of more than maxWords words and signs. Bytes that are no letters count as signs, except for spaces.
func checkWords(src []byte, filename string, start hcl.Pos) hcl.Diagnostics {
	words, inside := 0, false
	for _, c := range src {
		letter := c >= utf8.RuneSelf || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && c != ' ' && c != '\t' || letter && !inside {
			words++
		}
		inside = letter
	}
	if words > maxWords {
		return tooComplex("words and signs", maxWords, hcl.Range{Filename: filename, Start: start, End: start})
	}
	return nil
}

func tooComplex(what string, limit int, rng hcl.Range) hcl.Diagnostics {
	return hcl.Diagnostics{{
		Severity: hcl.DiagError,
		Summary:  "Input too complex",
		Detail:   fmt.Sprintf("There are more than %d %s here.", limit, what),
		Subject:  &rng,
	}}
}

// bracket counts the operators since the last separator inside one pair of brackets.
type bracket struct {
	brace     bool
	operators int
}

// checkTokens bounds the depth of the syntax tree: brackets nest, and every operator may add a level
// until a comma, a line end or a closing bracket ends the expression.
func checkTokens(tokens hclsyntax.Tokens) hcl.Diagnostics {
	stack := []bracket{{brace: true}}
	total := 0
	reset := func() {
		top := &stack[len(stack)-1]
		total -= top.operators
		top.operators = 0
	}
	for _, tok := range tokens {
		if isOperator(tok.Type) {
			stack[len(stack)-1].operators++
			if total++; total > maxOperators {
				return tooComplex("operators in one expression", maxOperators, tok.Range)
			}
		}
		switch tok.Type {
		case hclsyntax.TokenNumberLit:
			if longDigits(string(tok.Bytes)) {
				return tooComplex(numberDigits, maxDigits, tok.Range)
			}
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
			hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			if len(stack) > maxNesting {
				return tooComplex("nested brackets and blocks", maxNesting, tok.Range)
			}
			stack = append(stack, bracket{brace: tok.Type == hclsyntax.TokenOBrace})
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
			hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			if len(stack) > 1 {
				reset()
				stack = stack[:len(stack)-1]
			}
		case hclsyntax.TokenComma:
			reset()
		case hclsyntax.TokenNewline:
			if stack[len(stack)-1].brace {
				reset()
			}
		}
	}
	return nil
}

func isOperator(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent,
		hclsyntax.TokenBang, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenQuestion,
		hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq,
		hclsyntax.TokenDot, hclsyntax.TokenOBrack, hclsyntax.TokenTemplateControl:
		return true
	}
	return false
}

// checkJSON is checkConfig for JSON.
func checkJSON(src []byte, filename string) hcl.Diagnostics {
	depth, line, column, digits := 0, 1, 0, 0
	inString, escaped := false, false
	here := func(i int) hcl.Range {
		at := hcl.Pos{Line: line, Column: column, Byte: i}
		end := hcl.Pos{Line: line, Column: column + 1, Byte: i + 1}
		return hcl.Range{Filename: filename, Start: at, End: end}
	}
	for i, c := range src {
		column++
		if c < '0' || c > '9' || inString {
			digits = 0
		} else if digits++; digits > maxDigits {
			return tooComplex(numberDigits, maxDigits, here(i))
		}
		switch {
		case c == '\n':
			line, column = line+1, 0
		case escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxNesting {
				return tooComplex("nested brackets", maxNesting, here(i))
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}
