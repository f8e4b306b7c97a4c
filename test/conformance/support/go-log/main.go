// Checks notes, roots and proofs of a transparency log with the implementation of the Go project. Reads JSON from standard input.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type input struct {
	Key       string
	Notes     []string
	Leaves    []string
	Inclusion []struct {
		Index, Size int64
		Proof       []string
	}
	Consistency []struct {
		Old, Size int64
		Proof     []string
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func hashes(texts []string) []tlog.Hash {
	all := make([]tlog.Hash, 0, len(texts))
	for _, text := range texts {
		bytes, err := base64.StdEncoding.DecodeString(text)
		must(err)
		var hash tlog.Hash
		copy(hash[:], bytes)
		all = append(all, hash)
	}
	return all
}

func main() {
	var in input
	must(json.NewDecoder(os.Stdin).Decode(&in))

	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, 0, len(indexes))
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	for i, leaf := range in.Leaves {
		more, err := tlog.StoredHashes(int64(i), []byte(leaf), reader)
		must(err)
		stored = append(stored, more...)
	}
	rootAt := func(size int64) tlog.Hash {
		root, err := tlog.TreeHash(size, reader)
		must(err)
		return root
	}

	verifier, err := note.NewVerifier(in.Key)
	must(err)
	for _, text := range in.Notes {
		opened, err := note.Open([]byte(text), note.VerifierList(verifier))
		must(err)
		lines := strings.Split(opened.Text, "\n")
		size, err := strconv.ParseInt(lines[1], 10, 64)
		must(err)
		if root := rootAt(size); lines[2] != root.String() {
			must(fmt.Errorf("root of %d leaves: %s, want %s", size, lines[2], root))
		}
	}
	for _, one := range in.Inclusion {
		leaf := tlog.RecordHash([]byte(in.Leaves[one.Index]))
		must(tlog.CheckRecord(hashes(one.Proof), one.Size, rootAt(one.Size), one.Index, leaf))
	}
	for _, one := range in.Consistency {
		must(tlog.CheckTree(hashes(one.Proof), one.Size, rootAt(one.Size), one.Old, rootAt(one.Old)))
	}
	fmt.Printf("%d notes, %d inclusion, %d consistency\n", len(in.Notes), len(in.Inclusion), len(in.Consistency))
}
