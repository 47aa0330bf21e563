// SPDX-License-Identifier: MPL-2.0

package main

// operationNotes say how an operation differs from the contract, by its name in the table.
var operationNotes = map[string]string{}

// commandNotes say how a command differs from the contract.
var commandNotes = map[string]string{}

// generalNotes are differences that belong to no single operation.
var generalNotes = []string{}
