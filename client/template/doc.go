// SPDX-License-Identifier: MPL-2.0

// Package template renders the templates of tasks (runtime.md 5.1) with the template language of consul-template.
//
// The language and its functions are consul-template's; the loop around them is a Manager's, one goroutine for the
// templates of a task: it renders, watches what the templates used (services and files), waits until changes
// have settled, writes through the held directories of the allocation, and reports what has changed. What a
// change means for the task is the business of package task. Functions that would reach for the agent's own
// environment, its files or services it has no configuration for are replaced. A guard bounds the time, the values
// and the output of each rendering, by calls that are added to the text of the template.
package template
