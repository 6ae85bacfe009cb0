package enrich

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// A lead names the domain, and so whoever fills in a form could have us call
// any address: our own machines, our network, the place where a cloud keeps
// this machine's credentials. publicNet calls public addresses alone.

// publicNet dials hosts by name. A name is resolved once and the connection
// goes to an address that was looked at, so that a second answer of the name
// server (rebinding) is never used. Redirects come here as well, because they
// need connections too.
type publicNet struct {
	resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// errNotPublic tells that a name leads somewhere that is not for us to call.
var errNotPublic = errors.New("the address is not public")

func (n *publicNet) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port != "80" && port != "443" {
		return nil, errNotPublic
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return nil, errNotPublic // sites have names
	}
	all, err := n.resolve(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("resolve: %w", err)
	}
	// One bad address spoils all: a name with a public and a private address is
	// how the check is meant to be fooled.
	for _, a := range all {
		if !isPublic(a) {
			return nil, errNotPublic
		}
	}
	err = errors.New("resolve: no address")
	for _, a := range all {
		var c net.Conn
		if c, err = n.dial(ctx, network, net.JoinHostPort(a.Unmap().String(), port)); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// notPublic are ranges that the methods of netip.Addr don't know: shared
// address space, this network, protocol assignments, documentation,
// benchmarks, reserved; and the ways to write an IPv4 address in IPv6.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("3fff::/20"),
	netip.MustParsePrefix("5f00::/16"), netip.MustParsePrefix("fec0::/10"),
}

func isPublic(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
