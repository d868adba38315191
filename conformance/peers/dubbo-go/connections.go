package main

import (
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// connections lists the local ends of this process's established connections to the target. The library tells
// nobody when it replaces one, the kernel does.
func connections(target string) ([]string, error) {
	address, err := net.ResolveTCPAddr("tcp4", target)
	if err != nil {
		return nil, err
	}
	ip := address.IP.To4()
	// Addresses are in hexadecimal, the IP's bytes in the machine's order, which is little endian here.
	remote := strings.ToUpper(hex.EncodeToString([]byte{ip[3], ip[2], ip[1], ip[0]})) + fmt.Sprintf(":%04X", address.Port)

	own := map[string]bool{}
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, "socket:[") {
			own[strings.Trim(to, "socket:[]")] = true
		}
	}
	table, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		return nil, err
	}
	const established = "01"
	var local []string
	for _, line := range strings.Split(string(table), "\n") {
		fields := strings.Fields(line)
		if len(fields) > 9 && fields[2] == remote && fields[3] == established && own[fields[9]] {
			local = append(local, fields[1])
		}
	}
	sort.Strings(local)
	// The kernel writes the table while it is read, and may list a connection twice.
	return slices.Compact(local), nil
}
