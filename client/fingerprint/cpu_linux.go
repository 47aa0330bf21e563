// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

const cpuDir = "sys/devices/system/cpu"

func processors() (processor, error) { return readProcessors(os.DirFS("/")) }

// readProcessors reads the files of proc and sysfs below root.
func readProcessors(root fs.FS) (processor, error) {
	var p processor
	model, listed, clock := readCPUInfo(root)
	ids, err := readCores(root, cpuDir+"/online")
	if errors.Is(err, fs.ErrNotExist) && len(listed) > 0 {
		ids, err = listed, nil // there is no sysfs, as in some containers
	}
	if err != nil {
		return p, fmt.Errorf("read the list of cores: %w", err)
	}
	p.model = model
	slow, _ := readCores(root, "sys/devices/cpu_atom/cpus")
	for _, id := range ids {
		dir := path.Join(cpuDir, "cpu"+strconv.Itoa(int(id)))
		p.cores = append(p.cores, api.NodeProcessorCore{
			ID: id, SocketID: uint8(max(number(root, dir+"/topology/physical_package_id"), 0)),
			Grade:      !slices.Contains(slow, id),
			BaseSpeed:  kHz(root, dir+"/cpufreq/base_frequency"),
			MaxSpeed:   kHz(root, dir+"/cpufreq/cpuinfo_max_freq"),
			GuessSpeed: clock[id],
		})
	}
	p.readNodes(root)
	return p, nil
}

// readNodes finds which NUMA node each core belongs to.
func (p *processor) readNodes(root fs.FS) {
	const dir = "sys/devices/system/node"
	nodes, err := readCores(root, dir+"/online")
	if err != nil {
		return
	}
	for _, n := range nodes {
		at := path.Join(dir, "node"+strconv.Itoa(int(n)))
		cores, err := readCores(root, at+"/cpulist")
		if err != nil {
			continue
		}
		for i := range p.cores {
			if slices.Contains(cores, p.cores[i].ID) {
				p.cores[i].NodeID = uint8(n)
			}
		}
		var row []int
		if text, err := fs.ReadFile(root, at+"/distance"); err == nil {
			for field := range strings.FieldsSeq(string(text)) {
				d, _ := strconv.ParseUint(field, 10, 8)
				row = append(row, int(d))
			}
		}
		p.distances = append(p.distances, row)
	}
	for _, row := range p.distances {
		if len(row) != len(p.distances) {
			p.distances = nil // not a square: of no use
			return
		}
	}
}

// readCPUInfo returns the model, the cores that run, and the present clock rate of each in MHz.
func readCPUInfo(root fs.FS) (model string, ids []uint16, clock map[uint16]uint64) {
	clock = map[uint16]uint64{}
	text, err := fs.ReadFile(root, "proc/cpuinfo")
	if err != nil {
		return "", nil, clock
	}
	var id uint64
	for sc := bufio.NewScanner(bytes.NewReader(text)); sc.Scan(); {
		key, value, _ := strings.Cut(sc.Text(), ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "processor":
			if id, err = strconv.ParseUint(value, 10, 16); err == nil {
				ids = append(ids, uint16(id))
			}
		case "model name", "Model":
			if model == "" {
				model = value
			}
		case "cpu MHz":
			mhz, _ := strconv.ParseFloat(value, 64)
			clock[uint16(id)] = uint64(mhz)
		}
	}
	return model, ids, clock
}

func readCores(root fs.FS, file string) ([]uint16, error) {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return nil, err
	}
	return ParseCores(string(text))
}

func number(root fs.FS, file string) int64 {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}

// kHz reads a frequency in kHz and returns it in MHz.
func kHz(root fs.FS, file string) uint64 { return uint64(max(number(root, file), 0)) / 1000 }
